package config

import (
	extensions "istio.io/api/extensions/v1alpha1"
	typev1beta1 "istio.io/api/type/v1beta1"
)

const (
	maxPluginName = 256
	maxPullSecret = 253
	maxLua        = 64 << 10
)

func (c *checker) wasmPlugin(p spot, w *extensions.WasmPlugin) {
	if w == nil {
		return
	}
	c.targeted(p, w.Selector, w.TargetRef, w.TargetRefs)
	c.module(p, w.Url, w.Sha256, w.ImagePullSecret, w.PluginName, w.VmConfig)
	for i, m := range w.Match {
		c.traffic(p.key("match").item(i), m.GetPorts())
	}
}

func (c *checker) trafficExtension(p spot, t *extensions.TrafficExtension) {
	if t == nil {
		return
	}
	c.targeted(p, t.Selector, nil, t.TargetRefs)
	for i, m := range t.Match {
		c.traffic(p.key("match").item(i), m.GetPorts())
	}
	wasm, lua := t.GetWasm(), t.GetLua()
	switch {
	case wasm != nil:
		c.module(p.key("wasm"), wasm.Url, wasm.Sha256, wasm.ImagePullSecret, wasm.PluginName, wasm.VmConfig)
	case lua == nil:
		c.bad(p, "the extension does nothing; give wasm or lua")
	case lua.InlineCode == "":
		c.bad(p.key("lua").key("inlineCode"), "inlineCode is missing")
	case len(lua.InlineCode) > maxLua:
		c.bad(p.key("lua").key("inlineCode"), "the code is larger than 64 kB; use a Wasm module")
	}
}

// module checks a Wasm module and how it runs.
func (c *checker) module(p spot, url, sha256, pullSecret, name string, vm *extensions.VmConfig) {
	c.note(p.key("url"), badModuleURL(url))
	c.note(p.key("sha256"), badSHA256(sha256))
	if len(pullSecret) > maxPullSecret {
		c.bad(p.key("imagePullSecret"), "the name of a Secret has at most %d characters", maxPullSecret)
	}
	if len(name) > maxPluginName {
		c.bad(p.key("pluginName"), "a plugin name has at most %d characters", maxPluginName)
	}
	var names earlier[string]
	for i, e := range vm.GetEnv() {
		at := p.key("vmConfig").key("env").item(i)
		switch {
		case e.GetName() == "":
			c.bad(at.key("name"), "name is missing")
			continue
		case len(e.Name) > maxPluginName:
			c.bad(at.key("name"), "the name of a variable has at most %d characters", maxPluginName)
		case names.has(e.Name):
			c.bad(at.key("name"), "%q is there twice", clip(e.Name))
		}
		if e.ValueFrom != extensions.EnvValueSource_INLINE && e.Value != "" {
			c.bad(at.key("value"), "the value comes from the host; remove value or valueFrom")
		}
	}
}

func (c *checker) traffic(p spot, ports []*typev1beta1.PortSelector) {
	for i, port := range ports {
		c.note(p.key("ports").item(i).key("number"), badPort(port.GetNumber()))
	}
}
