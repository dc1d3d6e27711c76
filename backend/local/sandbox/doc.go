// Package sandbox is the inside of the local cluster: the processes that run in
// namespaces of their own, and the handle by which the outside drives them.
//
//	host           supervisor          holds a Machine
//	───────────────────│ link ───────────────────────────────────────────
//	user+pid+net   machine             bridge, relays; starts sandboxes
//	  per pod      └─ sandbox          eth0, routes, rules, /etc; runs containers
//	                  ├─ agent, Envoy  CAP_NET_ADMIN and nothing else
//	                  └─ application   no capability
//
// All roles are this one program, executed again (Main). Two ideas keep it
// small. A socket stays in the namespace it was made in: the machine opens
// sockets in the pods' network and hands them out, so that nobody outside ever
// enters a namespace. And the first process of a namespace is its lifetime:
// whatever ends, and however, the kernel ends everything below it and drops
// namespaces, links and rules. There is no clean-up to get wrong.
package sandbox
