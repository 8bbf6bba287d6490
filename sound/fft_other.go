//go:build !amd64

package sound

const fast = false

func passAVX(x, y, tw *complex64, m, s int) { panic("sound: no such instructions") }

func firstAVX(x, y, tw *complex64, m int) { panic("sound: no such instructions") }
