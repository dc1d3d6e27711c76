package config_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	meshv1alpha1 "istio.io/api/mesh/v1alpha1"
	networking "istio.io/api/networking/v1alpha3"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

// subjects are all messages that are checked as a whole.
func subjects() map[string]proto.Message {
	out := map[string]proto.Message{}
	for _, info := range config.Kinds {
		if m, ok := info.New().(proto.Message); ok {
			out[info.Kind.Name] = m
		}
	}
	out["MeshConfig"], out["MeshNetworks"] = &meshv1alpha1.MeshConfig{}, &meshv1alpha1.MeshNetworks{}
	return out
}

// check runs the rules of any message.
func check(name string, m proto.Message) []config.Issue {
	switch m := m.(type) {
	case *meshv1alpha1.MeshConfig:
		return config.CheckMeshConfig(m)
	case *meshv1alpha1.MeshNetworks:
		return config.CheckMeshNetworks(m)
	}
	for _, info := range config.Kinds {
		if _, ok := info.New().(proto.Message); ok && info.Kind.Name == name {
			return config.Check(&mesh.Object{Ref: mesh.Ref{Kind: info.Kind, Namespace: "web", Name: "a"}, Spec: m})
		}
	}
	return nil
}

// TestCheckTakesHoles: messages that code makes may hold nil wherever Go allows
// it. Every field is filled, each choice of a oneof once, and then emptied again
// field by field.
func TestCheckTakesHoles(t *testing.T) {
	for name, m := range subjects() {
		nothing := reflect.Zero(reflect.TypeOf(m)).Interface().(proto.Message)
		check(name, nothing)
		for choice := range 14 { // as many as the largest oneof has
			full, depth := m.ProtoReflect().New(), 6
			if choice > 0 {
				depth = 4 // deep enough for the other choices
			}
			fill(full, choice, depth)
			check(name, full.Interface())
			poke(reflect.ValueOf(full.Interface()), func() { check(name, full.Interface()) }, depth)
		}
	}
}

// fill sets every field, of a oneof the one that choice names.
func fill(m protoreflect.Message, choice, depth int) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		fd := fields.Get(i)
		if o := fd.ContainingOneof(); o != nil && o.Fields().Get(choice%o.Fields().Len()) != fd {
			continue
		}
		if fd.Message() != nil && depth == 0 {
			continue
		}
		switch {
		case fd.IsMap():
			entries := m.Mutable(fd).Map()
			v := entries.NewValue()
			if fd.MapValue().Message() != nil {
				fill(v.Message(), choice, depth-1)
			}
			key := protoreflect.ValueOfString("a").MapKey()
			if fd.MapKey().Kind() != protoreflect.StringKind {
				key = protoreflect.ValueOfUint32(80).MapKey()
			}
			entries.Set(key, v)
		case fd.IsList():
			list := m.Mutable(fd).List()
			for range 2 {
				v := list.NewElement()
				if fd.Message() != nil {
					fill(v.Message(), choice, depth-1)
				}
				list.Append(v)
			}
		case fd.Message() != nil:
			fill(m.Mutable(fd).Message(), choice, depth-1)
		default:
			m.Set(fd, scalarOf(fd))
		}
	}
}

func scalarOf(fd protoreflect.FieldDescriptor) protoreflect.Value {
	switch fd.Kind() {
	case protoreflect.StringKind:
		return protoreflect.ValueOfString("a*/b:%c")
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes([]byte("a"))
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(true)
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(fd.Enum().Values().Get(fd.Enum().Values().Len() - 1).Number())
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(-1)
	case protoreflect.FloatKind:
		return protoreflect.ValueOfFloat32(-1)
	case protoreflect.Uint32Kind:
		return protoreflect.ValueOfUint32(1 << 20)
	case protoreflect.Uint64Kind:
		return protoreflect.ValueOfUint64(1 << 40)
	case protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64(-1 << 60)
	default:
		return protoreflect.ValueOfInt32(-1)
	}
}

// poke sets each pointer in a value to nil, one at a time, and calls seen.
func poke(v reflect.Value, seen func(), depth int) {
	if depth == 0 {
		return
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			poke(v.Elem(), seen, depth)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				without(v.Field(i), seen)
				poke(v.Field(i), seen, depth-1)
			}
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() != reflect.Pointer {
			return
		}
		for i := range v.Len() {
			without(v.Index(i), seen)
		}
		if v.Len() > 0 {
			poke(v.Index(0), seen, depth)
		}
	case reflect.Map:
		if v.Type().Elem().Kind() != reflect.Pointer {
			return
		}
		for _, k := range v.MapKeys() {
			old := v.MapIndex(k)
			v.SetMapIndex(k, reflect.Zero(v.Type().Elem()))
			seen()
			v.SetMapIndex(k, old)
			poke(old, seen, depth)
		}
	}
}

func without(v reflect.Value, seen func()) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Slice, reflect.Map:
		old := reflect.ValueOf(v.Interface())
		if !old.IsValid() || old.IsZero() {
			return
		}
		v.SetZero()
		seen()
		v.Set(old)
	}
}

// FuzzCheck: no message makes the rules fail, and every issue says something
// about a place.
func FuzzCheck(f *testing.F) {
	for name, m := range subjects() {
		full := m.ProtoReflect().New()
		fill(full, 0, 4)
		data, err := proto.Marshal(full.Interface())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(name, data)
	}
	all := subjects()
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		if all[name] == nil {
			return
		}
		m := all[name].ProtoReflect().New().Interface()
		if err := (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(data, m); err != nil {
			return
		}
		for _, issue := range check(name, m) {
			if len(issue.Path) == 0 || strings.TrimSpace(issue.Message) == "" || issue.Severity != mesh.Error && issue.Severity != mesh.Warning {
				t.Errorf("%s: %+v", name, issue)
			}
		}
	})
}

// right is an object of a common kind without anything to find.
func right(tb testing.TB) *mesh.Object {
	tb.Helper()
	r := config.Decode("a.yaml", []byte(`apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop, namespace: web}
spec:
  hosts: [shop.web.svc.cluster.local]
  http:
  - match: [{uri: {prefix: /cart}, headers: {x-user: {exact: a}}}]
    route: [{destination: {host: cart, subset: v1}, weight: 90}, {destination: {host: cart, subset: v2}, weight: 10}]
    timeout: 2s
    retries: {attempts: 3, perTryTimeout: 500ms, retryOn: "5xx,reset"}
  - route: [{destination: {host: shop}}]
`))
	if len(r.Problems) > 0 {
		tb.Fatal(r.Problems)
	}
	return r.Objects[0]
}

func TestCheckAllocatesLittle(t *testing.T) {
	o := right(t)
	if n := testing.AllocsPerRun(100, func() { config.Check(o) }); n > 6 {
		t.Errorf("checking an object without issues allocates %v times", n)
	}
}

// TestCheckTakesLongLists: the time for a long list is not that for every pair in
// it, which would be minutes.
func TestCheckTakesLongLists(t *testing.T) {
	const n = 30000
	vs, se := &networking.VirtualService{}, &networking.ServiceEntry{Resolution: networking.ServiceEntry_STATIC}
	dr, gw, side := &networking.DestinationRule{Host: "a"}, &networking.Gateway{}, &networking.Sidecar{}
	sni := &networking.TLSMatchAttributes{}
	to, ports := map[string]uint32{}, map[string]uint32{}
	egress := &networking.IstioEgressListener{}
	for i := range n {
		name := fmt.Sprintf("a%d", i)
		vs.Hosts = append(vs.Hosts, "*."+name+".com")
		vs.ExportTo = append(vs.ExportTo, name)
		sni.SniHosts = append(sni.SniHosts, "b."+name+".com")
		se.Ports = append(se.Ports, &networking.ServicePort{Name: name, Number: uint32(i + 1), Protocol: "HTTP"})
		ports[name] = 80
		dr.Subsets = append(dr.Subsets, &networking.Subset{Name: name})
		gw.Servers = append(gw.Servers, &networking.Server{Port: &networking.Port{Name: name, Number: 80, Protocol: "HTTP"}, Hosts: []string{"*"}})
		egress.Hosts = append(egress.Hosts, name+"/a.b")
		to[name+"/b"] = 1
	}
	vs.Tls = []*networking.TLSRoute{{Match: []*networking.TLSMatchAttributes{sni}, Route: []*networking.RouteDestination{{Destination: &networking.Destination{Host: "a"}}}}}
	se.Endpoints = []*networking.WorkloadEntry{{Address: "10.0.0.1", Ports: ports}}
	dr.TrafficPolicy = &networking.TrafficPolicy{LoadBalancer: &networking.LoadBalancerSettings{LocalityLbSetting: &networking.LocalityLoadBalancerSetting{
		Distribute: []*networking.LocalityLoadBalancerSetting_Distribute{{From: "a", To: to}},
	}}}
	side.Egress = []*networking.IstioEgressListener{egress}
	began := time.Now()
	for name, m := range map[string]proto.Message{"VirtualService": vs, "ServiceEntry": se, "DestinationRule": dr, "Gateway": gw, "Sidecar": side} {
		check(name, m)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("checking lists of %d items takes %s", n, took)
	} else {
		t.Logf("%d items: %s", n, took)
	}
}

func BenchmarkCheck(b *testing.B) {
	o := right(b)
	b.ReportAllocs()
	for b.Loop() {
		config.Check(o)
	}
}
