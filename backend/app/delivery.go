package app

import (
	"context"

	"github.com/heddle-mesh/heddle/backend/api"
	"github.com/heddle-mesh/heddle/backend/delivery"
	"github.com/heddle-mesh/heddle/backend/history"
	"github.com/heddle-mesh/heddle/backend/live"
	"github.com/heddle-mesh/heddle/backend/preview"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/graph"
)

// openDelivery follows every change that is recorded on its way to the proxies.
func (p *plane) openDelivery() {
	p.delivery = delivery.New(func(before, after *mesh.Snapshot) []*preview.Effect {
		effects, _, _, _ := preview.Effects(context.Background(), p.between(before, after))
		return effects
	})
	p.xds.Listen(p.delivery)
	p.history.OnRecorded(func(c history.Change) {
		if written := writtenBy(c); len(written) > 0 {
			p.delivery.Follow(delivery.Change{ID: c.ID, At: c.At, Objects: written})
		}
	})
}

// writtenBy are the objects of a change, without Secrets, whose texts are kept
// nowhere.
func writtenBy(c history.Change) []delivery.Written {
	var list []delivery.Written
	for _, e := range c.Entries {
		switch {
		case e.After != nil:
			list = append(list, delivery.Written{Ref: e.Ref, Text: []byte(*e.After)})
		case e.Op == history.Delete:
			list = append(list, delivery.Written{Ref: e.Ref})
		}
	}
	return list
}

// tellDelivery tells how far one change is.
func (p *plane) tellDelivery(ctx context.Context, params live.Params, publish func(live.Whole)) error {
	id := params["change"]
	news, done := p.delivery.Watch(id)
	defer done()
	return keep(ctx, pace{gap: shortGap}, news, func(context.Context) {
		d, known := p.delivery.Get(id)
		if !known {
			publish(live.Whole{}) // not yet, or not any more
			return
		}
		publish(deliveryElements(d, p.ratesOf(d)))
	})
}

// ratesOf is what each of the proxies sends and gets, per second, by UID.
func (p *plane) ratesOf(d delivery.Delivery) map[string]float64 {
	rates := map[string]float64{}
	g, err := p.health.last(graph.ByWorkload)
	if err != nil || g == nil {
		return rates
	}
	sums, pods := map[workload]float64{}, map[workload]int{}
	for _, n := range g.Nodes {
		for _, r := range n.Out {
			if r.Protocol != graph.TCP {
				sums[workload{n.Namespace, n.Workload}] += r.Rate
			}
		}
	}
	for _, x := range d.Proxies {
		pods[workload{x.Namespace, x.Workload}]++
	}
	for _, x := range d.Proxies {
		w := workload{x.Namespace, x.Workload}
		rates[x.UID] = graph.Round3(sums[w] / float64(pods[w]))
	}
	return rates
}

func deliveryElements(d delivery.Delivery, rates map[string]float64) live.Whole {
	whole := live.Whole{"summary": d.Summary}
	for _, x := range d.Proxies {
		whole[x.UID] = api.LiveDelivery{Proxy: x, RPS: rates[x.UID]}
	}
	return whole
}
