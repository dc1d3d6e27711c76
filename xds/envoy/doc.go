// Package envoy finds the Envoy program, checks its version, and installs the
// pinned release into the state folder.
package envoy
