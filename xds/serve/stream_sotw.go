package serve

import (
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/xds"
)

// StreamAggregatedResources serves state-of-the-world clients: gRPC's own, and
// tools. Each response holds all resources of a type that the client asked for.
func (d discovery) StreamAggregatedResources(g discoveryv3.AggregatedDiscoveryService_StreamAggregatedResourcesServer) error {
	w := &whole{types: map[string]*wholeType{}}
	st, err := d.server.admit(g.Context(), w)
	if err != nil {
		return err
	}
	defer d.server.leave(st)
	w.stream = st
	return pump(st, g, w)
}

// whole is the state-of-the-world protocol on one stream.
type whole struct {
	stream *stream
	types  map[string]*wholeType
	want   desired
	nonce  uint64
}

// wholeType is one resource type on the stream.
type wholeType struct {
	typ      string
	wildcard bool
	names    map[string]struct{}
	cost     int // of names
	has      map[string]*content
	dirty    bool
	// answer is true when a response must go, even with nothing new in it.
	answer  bool
	version string // of what was sent last, or of what the client says it has
	nonce   string // outstanding; "" when answered
	sent    time.Time
}

// wholeOrder is the order of types within a push: what is named goes first.
var wholeOrder = []string{xds.SecretType, xds.ClusterType, xds.EndpointType, xds.RouteType, xds.ListenerType}

func (w *whole) know(d desired) {
	w.want = d
	for _, t := range w.types {
		t.dirty = true
	}
}

func (w *whole) changed(typ, name string) {
	if typ == xds.VirtualHostType {
		typ, name = xds.RouteType, routesOf(name)
	}
	if t := w.types[typ]; t != nil && t.covers(name) {
		t.dirty = true
	}
}

func (t *wholeType) covers(name string) bool {
	_, ok := t.names[name]
	return ok || t.wildcard
}

func (w *whole) quiet() bool {
	for _, t := range w.types {
		if t.dirty || t.answer || t.nonce != "" {
			return false
		}
	}
	return true
}

func (w *whole) oldest() time.Time {
	var oldest time.Time
	for _, t := range w.types {
		if t.nonce != "" && (oldest.IsZero() || t.sent.Before(oldest)) {
			oldest = t.sent
		}
	}
	return oldest
}

// configured asks for no more than one type: such clients take what they need,
// and many need only one.
func (w *whole) configured() bool {
	for typ := range w.types {
		if configures(typ) {
			return true
		}
	}
	return false
}

func (w *whole) account(l *ledger) {
	for typ, t := range w.types {
		s := l.of(typ)
		s.Wildcard, s.Subscribed, s.Held = t.wildcard, len(t.names), len(t.has)
	}
}

func (w *whole) holds(visit func(*content)) {
	for _, t := range w.types {
		for _, c := range t.has {
			visit(c)
		}
	}
}

func (w *whole) handle(q *discoveryv3.DiscoveryRequest, now time.Time) error {
	typ, names := q.GetTypeUrl(), q.GetResourceNames()
	limits := w.stream.server.limits
	if err := limits.checkWord("type URL", typ); err != nil {
		return err
	}
	if err := limits.checkWord("version", q.GetVersionInfo()); err != nil {
		return err
	}
	if err := limits.checkNames(0, len(w.types)+1, names); err != nil {
		return err
	}
	w.stream.introduced(q.GetNode())
	t := w.types[typ]
	if t == nil {
		t = &wholeType{typ: typ, names: map[string]struct{}{}, has: map[string]*content{}, version: q.GetVersionInfo()}
		t.dirty, t.answer = true, q.GetVersionInfo() == ""
		t.wildcard = len(names) == 0 && wholeByDefault(typ)
		w.types[typ] = t
	}
	if !t.wildcard || len(names) > 0 { // else it goes on with the names that it has
		cost := costOf(names)
		if !w.stream.charge(cost-t.cost, 0) {
			return tooManyNames(limits)
		}
		t.cost = cost
	}
	if q.GetResponseNonce() != t.nonce && t.nonce != "" {
		// A request that crossed our response: its answer to that will come.
		// The names count all the same.
		w.subscribe(t, names)
		return nil
	}
	if t.nonce != "" {
		t.nonce = ""
		w.answered(t, q, now)
	}
	w.subscribe(t, names)
	return nil
}

func (w *whole) answered(t *wholeType, q *discoveryv3.DiscoveryRequest, now time.Time) {
	l := w.stream.ledger
	if q.GetErrorDetail() == nil {
		l.acked(t.typ, q.GetResponseNonce(), now)
		return
	}
	words := clip(q.GetErrorDetail().GetMessage())
	// Such clients know less than Envoy, so their word condemns no content; the
	// same version is not sent again, that is all.
	l.rejected(t.typ, words, "", now)
	w.stream.refusedSome(t.typ, words, nil, now)
	w.stream.server.metrics.rejected(t.typ)
	w.stream.log.Warn("client rejected a response", slog.String("type", short(t.typ)), slog.String("words", words))
}

// subscribe makes names what the client asks for. A name that is new wants an
// answer even when there is no such resource.
func (w *whole) subscribe(t *wholeType, names []string) {
	if t.wildcard && len(names) == 0 {
		return
	}
	next := make(map[string]struct{}, len(names))
	all := false
	for _, name := range names {
		if name == wildcard {
			all = true
			continue
		}
		if _, known := t.names[name]; !known && !t.wildcard {
			t.dirty = true
			t.answer = t.answer || len(t.names) > 0 || t.version == ""
		}
		next[name] = struct{}{}
	}
	if len(next) != len(t.names) || all != t.wildcard {
		t.dirty = true
	}
	t.names, t.wildcard = next, all
}

func (w *whole) next(now time.Time) (*discoveryv3.DiscoveryResponse, bool, time.Time) {
	if w.want == nil {
		return nil, false, time.Time{}
	}
	order := slices.Clone(wholeOrder)
	for _, typ := range slices.Sorted(maps.Keys(w.types)) {
		if !slices.Contains(order, typ) {
			order = append(order, typ)
		}
	}
	for _, typ := range order {
		if t := w.types[typ]; t != nil && t.nonce == "" && (t.dirty || t.answer) {
			if r := w.respond(t, now); r != nil {
				return r, true, time.Time{}
			}
		}
	}
	return nil, false, time.Time{}
}

// respond makes the response of a type, nil when the client has it already.
func (w *whole) respond(t *wholeType, now time.Time) *discoveryv3.DiscoveryResponse {
	names := t.names
	if len(names) == 0 && !t.wildcard {
		t.dirty, t.answer = false, false
		return nil
	}
	if t.wildcard {
		names = maps.Clone(t.names)
		for name := range w.want.all(t.typ) {
			names[name] = struct{}{}
		}
	}
	var list []*content
	var versions []string
	for _, name := range slices.Sorted(maps.Keys(names)) {
		c, keep := w.want.want(t.typ, name)
		if c == nil && keep {
			c = t.has[name]
		}
		if c == nil {
			continue
		}
		if c.facts.vhds {
			c = w.inline(c)
		}
		list = append(list, c)
		versions = append(versions, c.name, c.version)
	}
	version := mesh.HashOf(versions...).String()
	answer := t.answer
	t.dirty, t.answer = false, false
	if version == t.version && !answer {
		return nil
	}
	w.nonce++
	t.version, t.nonce, t.sent = version, strconv.FormatUint(w.nonce, 10), now
	t.has = make(map[string]*content, len(list))
	m := &discoveryv3.DiscoveryResponse{TypeUrl: t.typ, VersionInfo: version, Nonce: t.nonce}
	for _, c := range list {
		t.has[c.name] = c
		m.Resources = append(m.Resources, c.body)
	}
	size := proto.Size(m)
	w.stream.ledger.sent(t.typ, t.nonce, w.stream.revision, len(list), 0, size, now)
	w.stream.server.metrics.sent(t.typ, len(list), size)
	w.stream.sentSome(now)
	return m
}

// inline is a route configuration with its virtual hosts in it, for clients
// that do not ask for them one by one.
func (w *whole) inline(c *content) *content {
	var config routev3.RouteConfiguration
	if err := c.body.UnmarshalTo(&config); err != nil {
		w.stream.log.Error("route configuration cannot be completed", slog.String("resource", c.name), slog.Any("error", err))
		return c
	}
	config.Vhds = nil
	versions := []string{c.version}
	for name := range w.want.hosts(c.name) {
		h, _ := w.want.want(xds.VirtualHostType, name)
		if h == nil {
			continue
		}
		host := &routev3.VirtualHost{}
		if err := h.body.UnmarshalTo(host); err != nil {
			w.stream.log.Error("virtual host is left out", slog.String("resource", name), slog.Any("error", err))
			continue
		}
		config.VirtualHosts = append(config.VirtualHosts, host)
		versions = append(versions, h.version)
	}
	body, err := proto.MarshalOptions{Deterministic: true}.Marshal(&config)
	if err != nil {
		w.stream.log.Error("route configuration cannot be completed", slog.String("resource", c.name), slog.Any("error", err))
		return c
	}
	return &content{
		typ: c.typ, name: c.name, version: mesh.HashOf(strings.Join(versions, ",")).String(),
		body: &anypb.Any{TypeUrl: c.typ, Value: body},
	}
}
