#include "textflag.h"

// Four complex numbers of two float32 lie in one 256 bit register. Sums and
// products are rounded one by one, in the order of the Go code, so that both
// give the same bits.

DATA evenSign<>+0(SB)/8, $0x0000000080000000
GLOBL evenSign<>(SB), RODATA|NOPTR, $8

// TURN multiplies z by w = (wr, wi), each spread over a register; t is scratch.
#define TURN(z, wr, wi, t) \
	VPERMILPS $0xB1, z, t \
	VMULPS    wr, z, z    \
	VMULPS    wi, t, t    \
	VADDSUBPS t, z, z

// BUTTERFLY leaves from a, b, c, d in Y6 to Y9: Y6 = a+b+c+d, Y7 = a-b+c-d and,
// with i the imaginary unit, Y8 = (a-c)-i(b-d),
// Y9 = (a-c)+i(b-d).
#define BUTTERFLY \
	VADDPS    Y8, Y6, Y10    \
	VSUBPS    Y8, Y6, Y11    \
	VADDPS    Y9, Y7, Y12    \
	VSUBPS    Y9, Y7, Y13    \
	VPERMILPS $0xB1, Y13, Y13 \
	VXORPS    Y15, Y13, Y13  \
	VADDPS    Y12, Y10, Y6   \
	VSUBPS    Y12, Y10, Y7   \
	VSUBPS    Y13, Y11, Y8   \
	VADDPS    Y13, Y11, Y9

// func passAVX(x, y, tw *complex64, m, s int)
TEXT ·passAVX(SB), NOSPLIT, $0-40
	MOVQ         x+0(FP), SI
	MOVQ         y+8(FP), DI
	MOVQ         tw+16(FP), R11
	MOVQ         m+24(FP), CX
	MOVQ         s+32(FP), R8
	SHLQ         $3, R8
	MOVQ         CX, R9
	IMULQ        R8, R9
	LEAQ         (R9)(R9*2), R10
	LEAQ         (R8)(R8*2), AX
	MOVQ         R11, R12
	MOVQ         R11, R13
	VBROADCASTSD evenSign<>(SB), Y15

nextp:
	VBROADCASTSS (R11), Y0
	VBROADCASTSS 4(R11), Y1
	VBROADCASTSS (R12), Y2
	VBROADCASTSS 4(R12), Y3
	VBROADCASTSS (R13), Y4
	VBROADCASTSS 4(R13), Y5
	MOVQ         R8, BX

nextq:
	VMOVUPS (SI), Y6
	VMOVUPS (SI)(R9*1), Y7
	VMOVUPS (SI)(R9*2), Y8
	VMOVUPS (SI)(R10*1), Y9
	BUTTERFLY
	VMOVUPS Y6, (DI)
	TURN(Y8, Y0, Y1, Y10)
	VMOVUPS Y8, (DI)(R8*1)
	TURN(Y7, Y2, Y3, Y11)
	VMOVUPS Y7, (DI)(R8*2)
	TURN(Y9, Y4, Y5, Y12)
	VMOVUPS Y9, (DI)(AX*1)
	ADDQ    $32, SI
	ADDQ    $32, DI
	SUBQ    $32, BX
	JNZ     nextq
	ADDQ    AX, DI
	ADDQ    R8, R11
	LEAQ    (R12)(R8*2), R12
	ADDQ    AX, R13
	DECQ    CX
	JNZ     nextp
	VZEROUPPER
	RET

// func firstAVX(x, y, tw *complex64, m int)
TEXT ·firstAVX(SB), NOSPLIT, $0-32
	MOVQ         x+0(FP), SI
	MOVQ         y+8(FP), DI
	MOVQ         tw+16(FP), R11
	MOVQ         m+24(FP), CX
	MOVQ         CX, R9
	SHLQ         $3, R9
	LEAQ         (R9)(R9*2), R10
	MOVQ         R11, R12
	MOVQ         R11, R13
	VBROADCASTSD evenSign<>(SB), Y15

next4:
	VMOVUPS (SI), Y6
	VMOVUPS (SI)(R9*1), Y7
	VMOVUPS (SI)(R9*2), Y8
	VMOVUPS (SI)(R10*1), Y9
	BUTTERFLY

	// The first powers lie side by side.
	VMOVUPS   (R11), Y0
	VMOVSHDUP Y0, Y1
	VMOVSLDUP Y0, Y0
	TURN(Y8, Y0, Y1, Y10)

	// Every second one.
	VMOVUPS    (R12), Y0
	VMOVUPS    32(R12), Y1
	VPERM2F128 $0x20, Y1, Y0, Y2
	VPERM2F128 $0x31, Y1, Y0, Y3
	VUNPCKLPD  Y3, Y2, Y0
	VMOVSHDUP  Y0, Y1
	VMOVSLDUP  Y0, Y0
	TURN(Y7, Y0, Y1, Y11)

	// Every third one.
	VMOVSD      (R13), X0
	VMOVHPD     24(R13), X0, X0
	VMOVSD      48(R13), X1
	VMOVHPD     72(R13), X1, X1
	VINSERTF128 $1, X1, Y0, Y0
	VMOVSHDUP   Y0, Y1
	VMOVSLDUP   Y0, Y0
	TURN(Y9, Y0, Y1, Y12)

	// Rows to columns: the four results of one p lie side by side.
	VUNPCKLPD  Y8, Y6, Y0
	VUNPCKHPD  Y8, Y6, Y1
	VUNPCKLPD  Y9, Y7, Y2
	VUNPCKHPD  Y9, Y7, Y3
	VPERM2F128 $0x20, Y2, Y0, Y4
	VPERM2F128 $0x20, Y3, Y1, Y5
	VPERM2F128 $0x31, Y2, Y0, Y10
	VPERM2F128 $0x31, Y3, Y1, Y11
	VMOVUPS    Y4, (DI)
	VMOVUPS    Y5, 32(DI)
	VMOVUPS    Y10, 64(DI)
	VMOVUPS    Y11, 96(DI)
	ADDQ       $32, SI
	ADDQ       $128, DI
	ADDQ       $32, R11
	ADDQ       $64, R12
	ADDQ       $96, R13
	SUBQ       $4, CX
	JNZ        next4
	VZEROUPPER
	RET
