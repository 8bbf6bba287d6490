package sound

import "golang.org/x/sys/cpu"

// fast says whether the processor has the instructions of fft_amd64.s; without
// them, and on other processors, the Go code does the same.
var fast = cpu.X86.HasAVX

//go:noescape
func passAVX(x, y, tw *complex64, m, s int)

//go:noescape
func firstAVX(x, y, tw *complex64, m int)
