package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Facts is what the downward API tells a container about its pod.
type Facts struct {
	Name, Namespace, UID string
	Labels, Annotations  map[string]string
	PodIP, HostIP        string
	NodeName             string
	ServiceAccount       string
}

// field is the value of a fieldRef.
func (f Facts) field(path string) (string, error) {
	if name, ok := subscript(path, "metadata.labels"); ok {
		return f.Labels[name], nil
	}
	if name, ok := subscript(path, "metadata.annotations"); ok {
		return f.Annotations[name], nil
	}
	values := map[string]string{
		"metadata.name": f.Name, "metadata.namespace": f.Namespace, "metadata.uid": f.UID,
		"spec.nodeName": f.NodeName, "spec.serviceAccountName": f.ServiceAccount,
		"status.hostIP": f.HostIP, "status.hostIPs": f.HostIP, "status.podIP": f.PodIP, "status.podIPs": f.PodIP,
		"metadata.labels": lines(f.Labels), "metadata.annotations": lines(f.Annotations),
	}
	v, ok := values[path]
	if !ok {
		return "", fmt.Errorf("field %q of the pod is not known; there are %s", path, strings.Join(slices.Sorted(maps.Keys(values)), ", "))
	}
	return v, nil
}

// subscript reads name out of prefix['name'].
func subscript(path, prefix string) (string, bool) {
	rest, ok := strings.CutPrefix(path, prefix+"['")
	if !ok {
		return "", false
	}
	return strings.CutSuffix(rest, "']")
}

// lines is a map as the downward API writes it into files.
func lines(m map[string]string) string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(m)) {
		fmt.Fprintf(&b, "%s=%q\n", k, m[k])
	}
	return b.String()
}

// environment collects variables; a later one replaces an earlier one.
type environment struct {
	names  []string
	values map[string]string
}

func (e *environment) set(name, value string) {
	if e.values == nil {
		e.values = map[string]string{}
	}
	if _, ok := e.values[name]; !ok {
		e.names = append(e.names, name)
	}
	e.values[name] = value
}

func (e *environment) list() []string {
	out := make([]string, len(e.names))
	for i, n := range e.names {
		out[i] = n + "=" + e.values[n]
	}
	return out
}

// expand replaces $(NAME) by the variable's value. $$ stands for $, and what
// names no variable stays as it is, as in Kubernetes.
func (e *environment) expand(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '$' || i+1 == len(text) {
			b.WriteByte(text[i])
			continue
		}
		switch text[i+1] {
		case '$':
			b.WriteByte('$')
			i++
		case '(':
			end := strings.IndexByte(text[i:], ')')
			if end < 0 {
				b.WriteByte('$')
				continue
			}
			name := text[i+2 : i+end]
			if v, ok := e.values[name]; ok {
				b.WriteString(v)
			} else {
				b.WriteString(text[i : i+end+1])
			}
			i += end
		default:
			b.WriteByte('$')
		}
	}
	return b.String()
}

// Environment is what a container sees: base, then envFrom, then env, each
// replacing what came before it.
func (d Declared) environment(c *corev1.Container, f Facts, base [][2]string) (*environment, error) {
	e := &environment{}
	for _, v := range base {
		e.set(v[0], v[1])
	}
	for i, from := range c.EnvFrom {
		if err := d.envFrom(e, from, f.Namespace); err != nil {
			return nil, fmt.Errorf("envFrom[%d]: %w", i, err)
		}
	}
	for _, v := range c.Env {
		if v.ValueFrom == nil {
			e.set(v.Name, e.expand(v.Value))
			continue
		}
		value, set, err := d.valueFrom(v.ValueFrom, f)
		if err != nil {
			return nil, fmt.Errorf("env %s: %w", v.Name, err)
		}
		if set {
			e.set(v.Name, value)
		}
	}
	return e, nil
}

func (d Declared) envFrom(e *environment, from corev1.EnvFromSource, namespace string) error {
	var data map[string][]byte
	var err error
	switch {
	case from.ConfigMapRef != nil:
		data, err = d.configMap(Key{namespace, from.ConfigMapRef.Name}, from.ConfigMapRef.Optional)
	case from.SecretRef != nil:
		data, err = d.secret(Key{namespace, from.SecretRef.Name}, from.SecretRef.Optional)
	}
	for _, k := range slices.Sorted(maps.Keys(data)) {
		e.set(from.Prefix+k, string(data[k]))
	}
	return err
}

// valueFrom is false when an optional reference leads nowhere.
func (d Declared) valueFrom(from *corev1.EnvVarSource, f Facts) (string, bool, error) {
	pick := func(data map[string][]byte, err error, key string, optional *bool) (string, bool, error) {
		if err != nil {
			return "", false, err
		}
		v, ok := data[key]
		if !ok && !isTrue(optional) {
			return "", false, fmt.Errorf("key %q is not there", key)
		}
		return string(v), ok, nil
	}
	switch {
	case from.FieldRef != nil:
		v, err := f.field(from.FieldRef.FieldPath)
		return v, err == nil, err
	case from.ConfigMapKeyRef != nil:
		r := from.ConfigMapKeyRef
		data, err := d.configMap(Key{f.Namespace, r.Name}, r.Optional)
		return pick(data, err, r.Key, r.Optional)
	case from.SecretKeyRef != nil:
		r := from.SecretKeyRef
		data, err := d.secret(Key{f.Namespace, r.Name}, r.Optional)
		return pick(data, err, r.Key, r.Optional)
	case from.ResourceFieldRef != nil:
		return "", false, fmt.Errorf("resourceFieldRef is not supported yet: resources are not limited here")
	}
	return "", false, fmt.Errorf("it says nothing of where the value is from")
}

func isTrue(b *bool) bool { return b != nil && *b }

func (d Declared) configMap(key Key, optional *bool) (map[string][]byte, error) {
	m, ok := d.ConfigMaps[key]
	if !ok {
		if isTrue(optional) {
			return nil, nil
		}
		return nil, fmt.Errorf("there is no ConfigMap %s", key)
	}
	data := maps.Clone(m.BinaryData)
	if data == nil {
		data = map[string][]byte{}
	}
	for k, v := range m.Data {
		data[k] = []byte(v)
	}
	return data, nil
}

func (d Declared) secret(key Key, optional *bool) (map[string][]byte, error) {
	s, ok := d.Secrets[key]
	if !ok {
		if isTrue(optional) {
			return nil, nil
		}
		return nil, fmt.Errorf("there is no Secret %s", key)
	}
	data := maps.Clone(s.Data)
	if data == nil {
		data = map[string][]byte{}
	}
	for k, v := range s.StringData {
		data[k] = []byte(v)
	}
	return data, nil
}
