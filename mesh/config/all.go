package config

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// File is a file to decode.
type File struct {
	Name string // that findings and origins carry
	Data []byte
}

// DecodeAll decodes many files on all cores; results are in the order of the
// files. That a kind is passed over is noted in the first file that holds it
// only.
func (opt Options) DecodeAll(files []File) []Result {
	out := make([]Result, len(files))
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(files)) {
		workers.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(files)); i = next.Add(1) - 1 {
				if opt.stopped() {
					return
				}
				out[i] = opt.Decode(files[i].Name, files[i].Data)
			}
		})
	}
	workers.Wait()
	if opt.Checks {
		noteOnce(out)
	}
	return out
}

// noteOnce leaves out notes that an earlier file has too.
func noteOnce(results []Result) {
	seen := map[string]bool{}
	for i := range results {
		kept := results[i].Problems[:0]
		for _, f := range results[i].Problems {
			if results[i].passedOver[f.Message] {
				if seen[f.Message] {
					continue
				}
				seen[f.Message] = true
			}
			kept = append(kept, f)
		}
		results[i].Problems = kept
	}
}
