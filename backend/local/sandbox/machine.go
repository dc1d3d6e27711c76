package sandbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/heddle-mesh/heddle/backend/local/link"
	"github.com/heddle-mesh/heddle/backend/local/relay"
	"github.com/heddle-mesh/heddle/xds/redirect"
)

const bridgeName = "pods"

// machine is the first process in the new user, pid and network namespaces: it
// owns the bridge, starts one sandbox per pod, and relays host ports. When it
// dies the kernel kills everything in its pid namespace, and with the last
// process go the namespaces and all links in them.
type machine struct {
	log     *slog.Logger
	starter *Starter
	relay   *relay.Relay // of host ports
	bridge  int          // link index
	start   machineStart

	mu        sync.Mutex
	sandboxes map[string]*sandboxHandle
	forwards  map[string]*forward
}

// machineStart is the first call to a machine.
type machineStart struct {
	Network  Network  `json:"network"`
	Identity Identity `json:"identity"`
}

type sandboxHandle struct {
	link   *link.Link
	cmd    *exec.Cmd
	veth   string
	exited chan struct{}
}

// forward is a host port: a listener of the host, accepted here.
type forward struct {
	listener net.Listener
	mu       sync.Mutex
	targets  []Upstream
}

func runMachine(log *slog.Logger) error {
	supervisor, err := link.From(os.NewFile(3, "supervisor"))
	if err != nil {
		return err
	}
	starter, err := newModestStarter()
	if err != nil {
		return err
	}
	m := &machine{
		log: log, starter: starter, relay: relay.New(relay.DefaultLimits(), log),
		sandboxes: make(map[string]*sandboxHandle), forwards: make(map[string]*forward),
	}
	go func() {
		m.serve(supervisor) // until the supervisor is gone
		os.Exit(0)          // and the kernel kills the rest of the pid namespace
	}()
	reapOrphans()
	return nil
}

// serve answers calls to the machine and passes on those to a pod.
func (m *machine) serve(supervisor *link.Link) {
	for {
		to, f, err := supervisor.Accept()
		if err != nil {
			return
		}
		if to == "" {
			go link.Serve(f, m.handle)
			continue
		}
		if s := m.sandbox(to); s != nil {
			if err := s.link.Pass("", f); err != nil {
				m.log.Debug("call not passed on", "pod", to, "error", err)
			}
		}
		f.Close() // without a taker the caller sees the end
	}
}

// build makes the network that the pods are plugged into.
func (m *machine) build(s machineStart) error {
	if err := ownMounts(); err != nil {
		return err
	}
	m.start = s
	attrs := netlink.NewLinkAttrs()
	attrs.Name = bridgeName
	// Left to itself, a bridge takes over the lowest address of its ports: it
	// would change as pods come and go, and the others would lose the node.
	attrs.HardwareAddr = hardwareAddress(s.Network.Node)
	if err := netlink.LinkAdd(&netlink.Bridge{LinkAttrs: attrs}); err != nil {
		return fmt.Errorf("create the bridge: %w", err)
	}
	// Frames between pods must not visit the machine's own rules. The file is
	// missing where br_netfilter is not loaded: then they do not.
	if err := sysctl("net.bridge.bridge-nf-call-iptables", "0"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	err := errors.Join(
		raise("lo", ""),
		raise(bridgeName, netip.PrefixFrom(s.Network.Node, s.Network.PodRange.Bits()).String()),
		sysctl("net.ipv4.ip_forward", "1"), // so that the forward chain can refuse service addresses
		redirect.Install(redirect.Node(s.Network.PodRange, s.Network.ServiceRange, s.Network.EgressPort)),
	)
	if err != nil {
		return err
	}
	l, err := netlink.LinkByName(bridgeName)
	if err != nil {
		return fmt.Errorf("find the bridge: %w", err)
	}
	m.bridge = l.Attrs().Index
	return nil
}

// address names a socket.
type address struct {
	Network string `json:"network"` // tcp or udp
	Address string `json:"address"`
}

// podID names a pod.
type podID struct {
	ID string `json:"id"`
}

// forwardTo says where a host port leads.
type forwardTo struct {
	Key     string     `json:"key"`
	Targets []Upstream `json:"targets"`
}

func (m *machine) handle(r *link.Request) (any, []*os.File, error) {
	switch r.Op {
	case "build":
		var s machineStart
		if err := r.Decode(&s); err != nil {
			return nil, nil, err
		}
		return nil, nil, m.build(s)
	case "add":
		var pod Pod
		if err := r.Decode(&pod); err != nil {
			return nil, nil, err
		}
		return nil, nil, m.add(&pod)
	case "remove":
		var id podID
		if err := r.Decode(&id); err != nil {
			return nil, nil, err
		}
		m.remove(id.ID)
		return nil, nil, nil
	case "listen":
		var a address
		if err := r.Decode(&a); err != nil {
			return nil, nil, err
		}
		f, err := listenFile(a.Network, a.Address)
		if err != nil {
			return nil, nil, err
		}
		return nil, []*os.File{f}, nil
	case "forward":
		var to forwardTo
		if err := r.Decode(&to); err != nil {
			return nil, nil, err
		}
		return nil, nil, m.forward(to, r.Files)
	}
	return nil, nil, fmt.Errorf("machine: unknown call %q", r.Op)
}

// listenFile opens a socket in this network namespace for another process.
func listenFile(network, address string) (*os.File, error) {
	if network == "udp" {
		c, err := net.ListenPacket(network, address)
		if err != nil {
			return nil, err
		}
		defer c.Close()
		u, ok := c.(*net.UDPConn)
		if !ok {
			return nil, fmt.Errorf("listen on %s: no UDP socket", address)
		}
		return u.File()
	}
	l, err := net.Listen(network, address)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	t, ok := l.(*net.TCPListener)
	if !ok {
		return nil, fmt.Errorf("listen on %s: no TCP socket", address)
	}
	return t.File()
}

// forward takes a host port over when a listener comes with the call, changes
// where it leads, and gives it up when it leads nowhere and no listener came.
func (m *machine) forward(to forwardTo, files []*os.File) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.forwards[to.Key]
	if len(files) == 1 {
		l, err := net.FileListener(files[0])
		if err != nil {
			return fmt.Errorf("take over host port: %w", err)
		}
		if f != nil {
			f.listener.Close()
		}
		f = &forward{listener: l}
		m.forwards[to.Key] = f
		go m.relay.Serve(l, f.dial)
	}
	if f == nil {
		return fmt.Errorf("no host port %q", to.Key)
	}
	if to.Targets == nil {
		f.listener.Close()
		delete(m.forwards, to.Key)
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.targets = to.Targets
	return nil
}

var errNoTarget = errors.New("no pod is ready")

// dial connects to one of the targets, trying each once.
func (f *forward) dial(ctx context.Context, client net.Conn) (net.Conn, error) {
	f.mu.Lock()
	targets := f.targets
	f.mu.Unlock()
	err := errNoTarget
	dialer := net.Dialer{Timeout: 5 * time.Second} // so that another one is tried, too
	for _, i := range rand.Perm(len(targets)) {
		t := targets[i]
		c, dialErr := dialer.DialContext(ctx, "tcp", t.Address.String())
		if dialErr != nil {
			err = dialErr
			continue
		}
		if !t.ProxyProtocol {
			return c, nil
		}
		from, errFrom := netip.ParseAddrPort(client.RemoteAddr().String())
		to, errTo := netip.ParseAddrPort(client.LocalAddr().String())
		if err = errors.Join(errFrom, errTo); err == nil {
			if _, err = c.Write(relay.ProxyHeader(from, to)); err == nil {
				return c, nil
			}
		}
		c.Close()
	}
	return nil, err
}

func (m *machine) sandbox(id string) *sandboxHandle {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sandboxes[id]
}

// add starts the pod's sandbox, plugs it into the bridge and has it set up.
func (m *machine) add(pod *Pod) error {
	near, far, err := link.Pair()
	if err != nil {
		return err
	}
	cmd := again(sandboxRole, sandboxNamespaces, m.start.Identity, far)
	err = m.starter.Start(cmd)
	far.Close()
	if err != nil {
		near.Close()
		return fmt.Errorf("start sandbox: %w", err)
	}
	s := &sandboxHandle{link: near, cmd: cmd, veth: vethName(pod.IP), exited: make(chan struct{})}
	go func() {
		cmd.Wait()
		near.Close()
		close(s.exited)
	}()
	attrs := netlink.NewLinkAttrs()
	attrs.Name = s.veth
	attrs.MasterIndex = m.bridge
	attrs.Flags = net.FlagUp
	err = netlink.LinkAdd(&netlink.Veth{
		LinkAttrs: attrs, PeerName: "eth0", PeerNamespace: netlink.NsPid(cmd.Process.Pid),
		PeerHardwareAddr: hardwareAddress(pod.IP),
	})
	if err != nil {
		err = fmt.Errorf("connect to the bridge: %w", err)
	} else {
		_, err = near.Call("", "setup", pod, nil)
	}
	if err != nil {
		s.end()
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sandboxes[pod.ID] = s
	return nil
}

// hardwareAddress follows from the IP address, so that nobody's neighbour table
// is ever wrong, not even when an address is used again.
func hardwareAddress(ip netip.Addr) net.HardwareAddr {
	b := ip.As4()
	return append(net.HardwareAddr{0x02, 0}, b[:]...)
}

// vethName is unique per address and fits into 15 bytes.
func vethName(ip netip.Addr) string {
	b := ip.As4()
	return fmt.Sprintf("veth%02x%02x%02x%02x", b[0], b[1], b[2], b[3])
}

// end kills the sandbox, and with it everything in its pod. The kernel tears a
// network namespace down some time after its last process; the link is taken
// away now, so that its name is free again.
func (s *sandboxHandle) end() {
	s.cmd.Process.Kill()
	<-s.exited
	if l, err := netlink.LinkByName(s.veth); err == nil {
		netlink.LinkDel(l)
	}
}

func (m *machine) remove(id string) {
	m.mu.Lock()
	s := m.sandboxes[id]
	delete(m.sandboxes, id)
	m.mu.Unlock()
	if s != nil {
		s.end()
	}
}
