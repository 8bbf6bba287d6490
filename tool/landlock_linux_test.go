package tool

func hasLandlock() bool { return landlockABI() >= 1 }
