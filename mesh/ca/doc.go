// Package ca is the mesh's certificate authority: it says who a workload is
// (Subject, from what the cluster reports about the pod, never from what the
// asker claims) and signs that into short-lived X.509 certificates.
//
// The identity is the SPIFFE URI, the only subject alternative name of a leaf
// and the only thing that policies may use. The Subject of the leaf describes
// the pod, one attribute per fact, for labels in metrics and logs.
package ca
