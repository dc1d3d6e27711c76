package preview

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/scope"
	"github.com/heddle-mesh/heddle/xds"
	"github.com/heddle-mesh/heddle/xds/serve"
)

// maxSettings bounds how many settings a preview tells.
const maxSettings = 200

// Value of a setting with the objects that decide it.
type Value struct {
	Value string     `json:"value"`
	From  []mesh.Ref `json:"from"`
	Path  string     `json:"path,omitempty"`
}

// SettingChange is a setting that is another one after the change; nil where
// there is none.
type SettingChange struct {
	Scope   string `json:"scope"`          // "service reviews.default"
	Rule    string `json:"rule,omitempty"` // "http[0]"
	Match   string `json:"match,omitempty"`
	Setting string `json:"setting"`
	Before  *Value `json:"before,omitempty"`
	After   *Value `json:"after,omitempty"`
}

// settingChanges compares the settings of the services in reach as a proxy of
// each effect has them.
func settingChanges(ctx context.Context, s Scene, effects []*Effect, reaches []reach) ([]SettingChange, error) {
	before, after := scope.NewIndex(s.Before), scope.NewIndex(s.After)
	out := []SettingChange{}
	seen := map[string]bool{}
	for i, e := range effects {
		if len(e.Proxies) == 0 {
			continue
		}
		asker := askerOf(e.Proxies[0])
		was, is := before.For(asker), after.For(asker)
		for _, host := range slices.Sorted(maps.Keys(reaches[i].hosts)) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			for _, c := range compareSettings(s, was, is, host) {
				key := c.Scope + "\x00" + c.Rule + "\x00" + c.Setting + "\x00" + valueText(c.Before) + "\x00" + valueText(c.After)
				if !seen[key] && len(out) < maxSettings {
					seen[key] = true
					out = append(out, c)
				}
			}
		}
	}
	return out, nil
}

func valueText(v *Value) string {
	if v == nil {
		return ""
	}
	return "=" + v.Value
}

func askerOf(p serve.Connected) scope.Asker {
	a := scope.Asker{Namespace: p.Namespace, Gateway: p.Role == xds.Gateway}
	if p.Workload != nil {
		a.Labels = p.Workload.Labels
	}
	return a
}

// compareSettings lists what differs between two views of one service.
func compareSettings(s Scene, was, is *scope.View, host string) []SettingChange {
	type key struct{ match, name string }
	type both struct {
		before, after *Value
		rule          string
	}
	found := map[key]*both{}
	var order []key
	note := func(list []scope.Setting, set func(*both, *Value)) {
		times := map[key]int{}
		for _, x := range list {
			// Rules are told apart by what they match: their numbers move when
			// one is put before them.
			k := key{x.Match, x.Name}
			times[k]++
			for n := 1; n < times[k]; n++ {
				k.name += "\x00"
			}
			b := found[k]
			if b == nil {
				b = &both{}
				found[k] = b
				order = append(order, k)
			}
			b.rule = cmp.Or(x.Rule, b.rule)
			from := x.From
			if from == nil {
				from = []mesh.Ref{}
			}
			set(b, &Value{Value: x.Value, From: from, Path: x.Path})
		}
	}
	service := ""
	if svc, ok := s.Before.Services.Get(host); ok {
		service = svc.Name + "." + svc.Namespace
		note(was.Settings(svc), func(b *both, v *Value) { b.before = v })
	}
	if svc, ok := s.After.Services.Get(host); ok {
		service = svc.Name + "." + svc.Namespace
		note(is.Settings(svc), func(b *both, v *Value) { b.after = v })
	}
	var out []SettingChange
	for _, k := range order {
		b := found[k]
		if b.before != nil && b.after != nil && b.before.Value == b.after.Value {
			continue
		}
		name := k.name
		for len(name) > 0 && name[len(name)-1] == 0 {
			name = name[:len(name)-1]
		}
		out = append(out, SettingChange{Scope: "service " + service, Rule: b.rule, Match: k.match, Setting: name, Before: b.before, After: b.after})
	}
	return out
}
