package contract

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"path/filepath"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/heddle-mesh/heddle/mesh/ca"
	"github.com/heddle-mesh/heddle/mesh/source/local"
	"github.com/heddle-mesh/heddle/xds"
)

// connectProxy plays the proxy of a pod at the pod's own socket: it asks for its
// clusters and takes whatever it is sent.
func connectProxy(t *testing.T, cluster *local.Server, state, uid string) {
	t.Helper()
	path := filepath.Join(state, "run", "pod.sock")
	socket, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	if err := cluster.Offer(uid, socket); err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	pem, err := os.ReadFile(filepath.Join(state, "ca", "root.pem"))
	if err != nil || !roots.AppendCertsFromPEM(pem) {
		t.Fatalf("the root certificate cannot be read: %v", err)
	}
	conn, err := grpc.NewClient("unix:"+path, grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{
		MinVersion: tls.VersionTLS13, RootCAs: roots, ServerName: ca.ServerName,
	})))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	stream, err := discoveryv3.NewAggregatedDiscoveryServiceClient(conn).DeltaAggregatedResources(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(&discoveryv3.DeltaDiscoveryRequest{Node: &corev3.Node{Id: uid}, TypeUrl: xds.ClusterType}); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			sent, err := stream.Recv()
			if err != nil {
				return
			}
			if err := stream.Send(&discoveryv3.DeltaDiscoveryRequest{TypeUrl: sent.GetTypeUrl(), ResponseNonce: sent.GetNonce()}); err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		conn.Close()
		<-done
	})
}
