package alike

import "slices"

// Index answers, exactly, which stored hashes lie within a distance of one.
//
// A hash is cut into 16 chunks of 16 bits. Two hashes within 31 bits of each
// other have a chunk in which they differ by at most one bit, because 16
// chunks with two or more make 32 (multi-index hashing: Norouzi, Punjani and
// Fleet, 2012). So 16 times 17 short lists hold every answer, and a query
// looks at some thousands of a million hashes. New hashes wait in an unsorted
// tail that is scanned, until there are enough of them to sort again. Where the
// lists would be longer than the whole, or the distance is wider than the
// lists can promise, everything is scanned.
//
// An Index is not safe for use while it is being added to.
type Index struct {
	hashes [][4]uint64
	sorted int // how many of hashes the lists hold
	start  [chunks][]uint32
	list   [chunks][]uint32
}

const chunks = 16

// Near is one answer: the place of a hash in the order of adding, and its
// distance.
type Near struct {
	At       int
	Distance int
}

// NewIndex makes an index of the hashes.
func NewIndex(list []PDQ) *Index {
	x := &Index{hashes: make([][4]uint64, len(list))}
	for i, p := range list {
		x.hashes[i] = p.words()
	}
	x.sort()
	return x
}

// Len is how many hashes are stored.
func (x *Index) Len() int { return len(x.hashes) }

// Add stores a hash and returns its place.
func (x *Index) Add(p PDQ) int {
	x.hashes = append(x.hashes, p.words())
	if tail := len(x.hashes) - x.sorted; tail > 4096 && tail > x.sorted/8 {
		x.sort()
	}
	return len(x.hashes) - 1
}

func chunkOf(h *[4]uint64, c int) uint32 { return uint32(h[c>>2]>>(16*(c&3))) & 0xffff }

func (x *Index) sort() {
	n := len(x.hashes)
	for c := range chunks {
		start := make([]uint32, 1<<16+1)
		for i := range x.hashes {
			start[chunkOf(&x.hashes[i], c)+1]++
		}
		for i := 1; i < len(start); i++ {
			start[i] += start[i-1]
		}
		list := make([]uint32, n)
		next := make([]uint32, 1<<16)
		copy(next, start)
		for i := range x.hashes {
			k := chunkOf(&x.hashes[i], c)
			list[next[k]] = uint32(i)
			next[k]++
		}
		x.start[c], x.list[c] = start, list
	}
	x.sorted = n
}

// Within returns every stored hash at most max bits from p, in order of place.
func (x *Index) Within(p PDQ, max int) []Near {
	h := p.words()
	if max >= 2*chunks || x.sorted == 0 {
		return x.scan(h, max, 0, nil)
	}
	flips := 0
	if max >= chunks {
		flips = 16
	}
	bucket := func(c, f int) []uint32 {
		k := chunkOf(&h, c)
		if f > 0 {
			k ^= 1 << (f - 1)
		}
		return x.list[c][x.start[c][k]:x.start[c][k+1]]
	}
	work := 0
	for c := range chunks {
		for f := range flips + 1 {
			work += len(bucket(c, f))
		}
	}
	if work > x.sorted/4 {
		return x.scan(h, max, 0, nil)
	}
	var out []Near
	for c := range chunks {
		for f := range flips + 1 {
			for _, i := range bucket(c, f) {
				o := &x.hashes[i]
				d := distance(h, *o)
				if d > max {
					continue
				}
				// The same hash may stand in several lists: the first counts.
				first := true
				for e := 0; e < c && first; e++ {
					diff := chunkOf(&h, e) ^ chunkOf(o, e)
					first = !(diff == 0 || flips > 0 && diff&(diff-1) == 0)
				}
				if first {
					out = append(out, Near{int(i), d})
				}
			}
		}
	}
	sortNear(out)
	return x.scan(h, max, x.sorted, out)
}

// Scan looks at every hash: the plain answer that Within must equal.
func (x *Index) Scan(p PDQ, max int) []Near { return x.scan(p.words(), max, 0, nil) }

func (x *Index) scan(h [4]uint64, max, from int, out []Near) []Near {
	for i := from; i < len(x.hashes); i++ {
		if d := distance(h, x.hashes[i]); d <= max {
			out = append(out, Near{i, d})
		}
	}
	return out
}

func sortNear(l []Near) {
	slices.SortFunc(l, func(a, b Near) int { return a.At - b.At })
}
