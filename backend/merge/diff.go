package merge

import "slices"

// Bounds of a comparison: of the differences that are looked for in one piece,
// and of the steps in all.
const (
	maxDifferences = 1500
	maxSteps       = 20_000_000
)

// matches says of each line of a where it stands in b, or -1. What it says
// ascends.
func matches(a, b []int32) []int {
	c := comparison{a: a, b: b, at: make([]int, len(a)), steps: maxSteps}
	for i := range c.at {
		c.at[i] = -1
	}
	c.compare(0, len(a), 0, len(b))
	return c.at
}

type comparison struct {
	a, b  []int32
	at    []int
	steps int // that may still be made
}

// compare matches a[i:iEnd] with b[j:jEnd].
func (c *comparison) compare(i, iEnd, j, jEnd int) {
	for i < iEnd && j < jEnd && c.a[i] == c.b[j] {
		c.at[i] = j
		i, j = i+1, j+1
	}
	for i < iEnd && j < jEnd && c.a[iEnd-1] == c.b[jEnd-1] {
		iEnd, jEnd = iEnd-1, jEnd-1
		c.at[iEnd] = jEnd
	}
	if i == iEnd || j == jEnd || c.shortest(i, iEnd, j, jEnd) {
		return
	}
	// Too different to be compared as a whole: what stands once on either side,
	// in the same order, divides it.
	anchors := c.anchors(i, iEnd, j, jEnd)
	for _, p := range anchors {
		c.compare(i, p.i, j, p.j)
		c.at[p.i] = p.j
		i, j = p.i+1, p.j+1
	}
	if len(anchors) > 0 {
		c.compare(i, iEnd, j, jEnd)
	}
}

// shortest finds the fewest lines to remove and add (Myers); false when there are
// too many.
func (c *comparison) shortest(i, iEnd, j, jEnd int) bool {
	n, m := iEnd-i, jEnd-j
	most := min(n+m, maxDifferences)
	// v[k] is how far in a the best way with the differences so far leads on
	// diagonal k; trace keeps it for the way back.
	v := make([]int32, 2*most+3)
	var trace [][]int32
	for d := range most + 1 {
		trace = append(trace, slices.Clone(v[most+1-d:most+2+d]))
		for k := -d; k <= d; k += 2 {
			x := v[most+k] + 1
			if k == -d || k != d && v[most+k] < v[most+2+k] {
				x = v[most+2+k]
			}
			y := int(x) - k
			for int(x) < n && y < m && c.a[i+int(x)] == c.b[j+y] {
				x, y = x+1, y+1
				c.steps--
			}
			v[most+1+k] = x
			if int(x) >= n && y >= m {
				c.back(trace, i, j, n, m)
				return true
			}
		}
		if c.steps -= d + 1; c.steps < 0 {
			return false
		}
	}
	return false
}

// back goes the way that shortest found from its end.
func (c *comparison) back(trace [][]int32, i, j, x, y int) {
	for d := len(trace) - 1; d > 0; d-- {
		// trace[d] holds diagonals -d to d as they were with d-1 differences.
		v := trace[d]
		k := x - y
		before := k - 1
		if k == -d || k != d && v[d+k-1] < v[d+k+1] {
			before = k + 1
		}
		fromX := int(v[d+before])
		fromY := fromX - before
		startX := fromX
		if before < k {
			startX++
		}
		for x > startX {
			x, y = x-1, y-1
			c.at[i+x] = j + y
		}
		x, y = fromX, fromY
	}
	for x > 0 && y > 0 {
		x, y = x-1, y-1
		c.at[i+x] = j + y
	}
}

type pair struct{ i, j int }

// anchors are the lines that stand once in both parts, as many as keep their
// order (patience).
func (c *comparison) anchors(i, iEnd, j, jEnd int) []pair {
	type places struct{ inA, inB, i, j int }
	seen := map[int32]*places{}
	for x := i; x < iEnd; x++ {
		p := seen[c.a[x]]
		if p == nil {
			p = &places{}
			seen[c.a[x]] = p
		}
		p.inA, p.i = p.inA+1, x
	}
	for y := j; y < jEnd; y++ {
		if p := seen[c.b[y]]; p != nil {
			p.inB, p.j = p.inB+1, y
		}
	}
	// The longest run that ascends in b, found by piles: each pair remembers the
	// one before it.
	var piles []int
	var all []pair
	var before []int
	for x := i; x < iEnd; x++ {
		p := seen[c.a[x]]
		if p.inA != 1 || p.inB != 1 {
			continue
		}
		all = append(all, pair{x, p.j})
		at, _ := slices.BinarySearchFunc(piles, p.j, func(q, j int) int { return all[q].j - j })
		previous := -1
		if at > 0 {
			previous = piles[at-1]
		}
		before = append(before, previous)
		if at == len(piles) {
			piles = append(piles, len(all)-1)
		} else {
			piles[at] = len(all) - 1
		}
	}
	if len(piles) == 0 {
		return nil
	}
	var out []pair
	for q := piles[len(piles)-1]; q >= 0; q = before[q] {
		out = append(out, all[q])
	}
	slices.Reverse(out)
	return out
}
