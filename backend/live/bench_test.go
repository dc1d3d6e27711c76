package live

import (
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/heddle-mesh/heddle/mesh/graph"
)

// meshOf is the graph of a mesh of n services, four edges each, all of whose
// figures are others at every tick.
func meshOf(n, tick int) Whole {
	w := Whole{"meta": map[string]any{"at": tick}}
	figure := func(i int) float64 { return graph.Round3(float64((i*7919+tick*104729)%99991) / 97) }
	for i := range n {
		p95 := figure(i + 5)
		rates := []graph.Rates{{Protocol: graph.HTTP, Rate: figure(i), Errors: figure(i + 1), ErrorShare: figure(i+2) / 1031, P95: &p95}}
		spark := make([]float64, 30)
		for j := range spark {
			spark[j] = figure(i + j + tick)
		}
		id := fmt.Sprintf("service/shop-%d/service-%d", i%12, i)
		w["n:"+id] = graph.LiveNode{
			Node: graph.Node{
				ID: id, Kind: graph.KindService, Name: fmt.Sprint("service-", i), Namespace: fmt.Sprint("shop-", i%12), Meshed: true, In: rates, Out: rates,
				Services: []string{fmt.Sprintf("service-%d.shop-%d.svc.cluster.local", i, i%12)}, Pods: graph.Pods{Ready: 2, Total: 2},
			},
			Rate: figure(i), P95: &p95, Unit: graph.PerSecond, Spark: spark, SparkErrors: spark,
		}
		for j := range 4 {
			to := (i*5 + j*11) % n
			edge := fmt.Sprintf("%s > service/shop-%d/service-%d : http", id, to%12, to)
			w["e:"+edge] = graph.LiveEdge{Edge: graph.Edge{
				ID: edge, Source: id, Target: fmt.Sprintf("service/shop-%d/service-%d", to%12, to), Rates: rates[0],
				Responses: []graph.Response{{Code: "200", Rate: figure(j)}}, Reporters: []graph.Reporter{graph.ByDestination},
			}}
		}
	}
	return w
}

// One tick of the graph of 300 services, all figures changed: from the elements to
// the last byte at 200 readers. Computing the elements is not in it.
func BenchmarkGraphTick(b *testing.B) {
	const services = 300
	for _, sockets := range []int{1, 200} {
		b.Run(fmt.Sprint(sockets, " sockets"), func(b *testing.B) {
			src := newSource()
			s := serve(b, Options{Topics: []Topic{src.topic()}, Limits: Limits{SocketsPerCaller: sockets}})
			var ticked sync.WaitGroup
			bytes := make(chan int64, sockets)
			ticks := make([]Whole, 4)
			for i := range ticks {
				ticks[i] = meshOf(services, i)
			}
			for range sockets {
				c := s.dial()
				c.subscribe("g", "graph", nil)
				c.hear()
				if err := c.SetReadDeadline(time.Time{}); err != nil {
					b.Fatal(err)
				}
				// What is read is counted as it travels: reading is the clients' cost.
				raw := c.NetConn()
				go func() {
					header := make([]byte, 10)
					for size := int64(0); ; {
						n, err := frame(raw, header)
						if err != nil {
							return
						}
						size += n
						if last := header[0]&0x80 != 0; last { // of the frames of a message
							bytes <- size
							ticked.Done()
							size = 0
						}
					}
				}()
			}
			var sent int64
			n := 0
			b.ReportAllocs()
			for b.Loop() {
				ticked.Add(sockets)
				n++
				src.publish("1", ticks[n%len(ticks)])
				for range sockets {
					sent += <-bytes
				}
				ticked.Wait()
			}
			b.ReportMetric(float64(sent)/float64(n*sockets), "bytes/message")
		})
	}
}

// frame reads one frame of a server and throws it away.
func frame(r io.Reader, header []byte) (size int64, err error) {
	if _, err := io.ReadFull(r, header[:2]); err != nil {
		return 0, err
	}
	size, extra := int64(header[1]), 0
	switch size {
	case 126:
		extra = 2
	case 127:
		extra = 8
	}
	if extra > 0 {
		if _, err := io.ReadFull(r, header[2:2+extra]); err != nil {
			return 0, err
		}
		size = 0
		for _, b := range header[2 : 2+extra] {
			size = size<<8 | int64(b)
		}
	}
	return io.CopyN(io.Discard, r, size)
}
