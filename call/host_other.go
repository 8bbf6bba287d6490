//go:build !linux

package call

// CheckHost looks at the machine a call is served from. Elsewhere than on
// Linux only the folder is looked at.
func CheckHost(dir, torrc string) (faults []string) {
	if err := RefuseIdentity(dir); err != nil {
		faults = append(faults, err.Error())
	}
	if _, err := LoadConfig(dir); err != nil {
		faults = append(faults, err.Error())
	}
	return append(faults, "this check knows Linux: look by hand at swap, core dumps and accounts")
}
