// Package local is the cluster of `heddle up`: Kubernetes' part of the work,
// without containers, for one machine.
//
// The Supervisor reads what is declared (Namespace, Service, ServiceAccount,
// Deployment, ConfigMap, Secret), keeps addresses, runs pods, answers names,
// opens host ports and the way out, and publishes the whole to the control
// plane, its child process:
//
//	files ──source──▶ Supervisor ──cluster.sock──▶ heddle serve
//	                   │  ▲                            │
//	              link │  │ status                     │ pod's own socket
//	                   ▼  │                            ▼
//	                  machine ─ sandbox ─ agent, Envoy, application
//
// One goroutine owns all state and takes events (loop.go); what takes time runs
// beside it and reports back. What to do is decided by pure functions in plan;
// what happens inside namespaces is in sandbox.
package local
