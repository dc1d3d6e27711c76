package mesh

import (
	"net/netip"
	"reflect"
	"testing"
)

// TestHashesCoverEveryField changes each field in turn: a field that somebody
// adds and forgets in a digest would hide changes from everyone downstream.
func TestHashesCoverEveryField(t *testing.T) {
	cover(t, Service{}, []string{"Accounts", "From", "Hash"}, func(v *Service) Hash { return v.contentHash() })
	cover(t, Workload{}, []string{"Phase", "Ready", "Terminating", "Hash"}, func(v *Workload) Hash { return v.contentHash() })
	cover(t, Endpoint{}, nil, func(v *Endpoint) Hash { return newEndpointList([]Endpoint{*v}).Hash })
}

func cover[T any](t *testing.T, zero T, except []string, hash func(*T) Hash) {
	t.Helper()
	before := hash(&zero)
	for i := range reflect.TypeFor[T]().NumField() {
		f := reflect.TypeFor[T]().Field(i)
		skip := false
		for _, name := range except {
			skip = skip || name == f.Name
		}
		if skip {
			continue
		}
		each(t, f.Name, f.Type, func(path string, set func(reflect.Value)) {
			v := zero
			set(reflect.ValueOf(&v).Elem().Field(i))
			if hash(&v) == before {
				t.Errorf("%T: the hash does not cover %s", zero, path)
			}
		})
	}
}

// each calls change for every leaf of a type.
func each(t *testing.T, path string, typ reflect.Type, change func(string, func(reflect.Value))) {
	t.Helper()
	switch {
	case typ == reflect.TypeFor[netip.Addr]():
		change(path, func(v reflect.Value) { v.Set(reflect.ValueOf(netip.MustParseAddr("192.0.2.1"))) })
	case typ.Kind() == reflect.Struct:
		for i := range typ.NumField() {
			each(t, path+"."+typ.Field(i).Name, typ.Field(i).Type, func(p string, set func(reflect.Value)) {
				change(p, func(v reflect.Value) { set(v.Field(i)) })
			})
		}
	case typ.Kind() == reflect.Slice:
		each(t, path+"[0]", typ.Elem(), func(p string, set func(reflect.Value)) {
			change(p, func(v reflect.Value) {
				v.Set(reflect.MakeSlice(typ, 1, 1))
				set(v.Index(0))
			})
		})
	case typ.Kind() == reflect.Map:
		change(path, func(v reflect.Value) { v.Set(reflect.ValueOf(map[string]string{"k": "v"})) })
	case typ.Kind() == reflect.String:
		change(path, func(v reflect.Value) { v.SetString("x") })
	case typ.Kind() == reflect.Bool:
		change(path, func(v reflect.Value) { v.SetBool(true) })
	case typ.Kind() == reflect.Uint32, typ.Kind() == reflect.Uint8:
		change(path, func(v reflect.Value) { v.SetUint(2) })
	default:
		t.Errorf("%s: the test cannot change a %s", path, typ)
	}
}
