package sandbox

import (
	"net/netip"
	"time"

	"github.com/heddle-mesh/heddle/xds/redirect"
)

// Network is the pods' network.
type Network struct {
	Node         netip.Addr   `json:"node"` // the machine's own address in it
	PodRange     netip.Prefix `json:"podRange"`
	ServiceRange netip.Prefix `json:"serviceRange"`
	EgressPort   uint16       `json:"egressPort"` // on Node: the way out
}

// Pod is everything a sandbox needs to know.
type Pod struct {
	ID       string     `json:"id"` // unique; names the sandbox in calls
	Hostname string     `json:"hostname"`
	IP       netip.Addr `json:"ip"`
	Network  Network    `json:"network"`
	Identity Identity   `json:"identity"`

	// Dir is the pod's folder. Its subfolder etc holds the files that the pod
	// sees in place of the host's in /etc; secrets becomes a file system in memory.
	Dir string `json:"dir"`
	// Hidden folders are empty in the pod, but for Kept files and folders.
	Hidden []string `json:"hidden"`
	Kept   []Bind   `json:"kept"`
	Mounts []Mount  `json:"mounts"`

	Redirect *redirect.Pod `json:"redirect,omitempty"` // nil: no sidecar

	Proxy      *Container  `json:"proxy,omitempty"` // runs before and after all others
	Init       []Container `json:"init,omitempty"`
	Containers []Container `json:"containers,omitempty"`
	Grace      Duration    `json:"grace"` // between asking a container to end and killing it
}

// Bind is a file or folder that stays visible below a hidden folder.
type Bind struct {
	Path     string `json:"path"`
	ReadOnly bool   `json:"readOnly,omitempty"`
}

// Mount shows a file or folder of the host at a path of the pod.
type Mount struct {
	Source   string `json:"source"` // on the host, visible in the pod
	Path     string `json:"path"`
	ReadOnly bool   `json:"readOnly,omitempty"`
}

// Container is one program of a pod, which is started again whenever it ends.
type Container struct {
	Name     string   `json:"name"`
	Argv     []string `json:"argv"` // the first is an absolute path
	Env      []string `json:"env"`
	Dir      string   `json:"dir"`
	NetAdmin bool     `json:"netAdmin,omitempty"` // CAP_NET_ADMIN, for SO_MARK

	Startup   *Probe `json:"startup,omitempty"`
	Readiness *Probe `json:"readiness,omitempty"`
	Liveness  *Probe `json:"liveness,omitempty"`
}

// Probe asks a container how it is. Exactly one of HTTP, TCP, GRPC and Exec is set.
type Probe struct {
	HTTP *HTTPProbe `json:"http,omitempty"`
	TCP  *TCPProbe  `json:"tcp,omitempty"`
	GRPC *GRPCProbe `json:"grpc,omitempty"`
	Exec []string   `json:"exec,omitempty"`

	InitialDelay Duration `json:"initialDelay,omitempty"`
	Period       Duration `json:"period"`
	Timeout      Duration `json:"timeout"`
	Successes    int      `json:"successes"` // in a row, to become good
	Failures     int      `json:"failures"`  // in a row, to become bad
}

// HTTPProbe is good for an answer from 200 to 399.
type HTTPProbe struct {
	Scheme  string      `json:"scheme"` // http or https
	Host    string      `json:"host"`   // address to connect to
	Port    uint16      `json:"port"`
	Path    string      `json:"path"`
	Headers [][2]string `json:"headers,omitempty"`
	// Restarts is a header of the answer with a number: how often the program
	// started anew what it runs itself. Empty is none.
	Restarts string `json:"restarts,omitempty"`
}

// TCPProbe is good when somebody listens.
type TCPProbe struct {
	Host string `json:"host"`
	Port uint16 `json:"port"`
}

// GRPCProbe asks the standard health service.
type GRPCProbe struct {
	Host    string `json:"host"`
	Port    uint16 `json:"port"`
	Service string `json:"service"`
}

// Duration travels as nanoseconds.
type Duration = time.Duration

// State of a container.
type State string

// The states of a container.
const (
	Waiting    State = "waiting" // not started yet, or between two runs
	Running    State = "running"
	Terminated State = "terminated" // ended, and will not be started again
)

// ContainerStatus is how a container is.
type ContainerStatus struct {
	Name     string    `json:"name"`
	State    State     `json:"state"`
	Reason   string    `json:"reason,omitempty"`  // CrashLoopBackOff, Error, Completed, …
	Message  string    `json:"message,omitempty"` // for a person
	Started  time.Time `json:"started,omitzero"`
	Ready    bool      `json:"ready"`
	Restarts int       `json:"restarts"`
	// Inner is how often the container's program started anew what it runs itself,
	// by its own word; see HTTPProbe.
	Inner    int `json:"inner,omitempty"`
	ExitCode int `json:"exitCode"` // of the last run that ended
}

// Status is how a pod is.
type Status struct {
	Proxy      *ContainerStatus  `json:"proxy,omitempty"`
	Init       []ContainerStatus `json:"init,omitempty"`
	Containers []ContainerStatus `json:"containers,omitempty"`
}

// Ready reports whether all of the pod is.
func (s Status) Ready() bool {
	if s.Proxy != nil && !s.Proxy.Ready {
		return false
	}
	for _, c := range s.Containers {
		if !c.Ready {
			return false
		}
	}
	return s.Proxy != nil || len(s.Containers) > 0
}

// Upstream is where the machine relays a host port to.
type Upstream struct {
	Address netip.AddrPort `json:"address"`
	// ProxyProtocol says that the other end wants to be told the client's
	// address first.
	ProxyProtocol bool `json:"proxyProtocol,omitempty"`
}
