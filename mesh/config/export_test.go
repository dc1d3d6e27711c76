package config

// SupportedPaths is the literal table, for the test that holds it to the kinds.
func SupportedPaths() []Feature {
	var out []Feature
	for _, entry := range supported {
		for _, path := range entry.paths {
			out = append(out, Feature{Kind: entry.kind, Path: path, Supported: true})
		}
	}
	return out
}
