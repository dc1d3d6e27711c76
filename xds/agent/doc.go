// Package agent stands beside one Envoy and is its only neighbour: Envoy's
// xDS, secrets, access logs and spans all go to the agent's unix socket, and
// the agent alone talks to the control plane, over TLS.
//
// It owns the workload's private key, which never leaves the pod; keeps the
// last configuration that Envoy acknowledged, so that Envoy can start while
// the control plane is away; starts, watches and drains Envoy; and serves
// readiness and metrics.
//
// Envoy's configuration stream is in one of two modes. In pass mode frames go
// through as they are, and the agent reads along. In cache mode, while the
// control plane is away, the agent answers from what it kept. A change of mode
// ends the stream; Envoy comes back and says what it holds, so nonces are never
// translated.
package agent
