package local

import (
	"time"

	"github.com/heddle-mesh/heddle/backend/local/plan"
	"github.com/heddle-mesh/heddle/backend/local/sandbox"
	"github.com/heddle-mesh/heddle/mesh"
)

// Status is how the local cluster is.
type Status struct {
	PID      int       `json:"pid"`
	Started  time.Time `json:"started"`
	State    string    `json:"state"`
	Console  string    `json:"console,omitempty"`
	Stopping bool      `json:"stopping,omitempty"`
	Loaded   bool      `json:"loaded"` // the declared objects are read
	// Settling is true while not all pods know yet what others do.
	Settling     bool               `json:"settling,omitempty"`
	ControlPlane ControlPlaneStatus `json:"controlPlane"`
	Deployments  []DeploymentStatus `json:"deployments"`
	Pods         []PodStatus        `json:"pods"`
	Services     []ServiceStatus    `json:"services"`
	Findings     []mesh.Finding     `json:"findings"`
}

// Ready reports whether everything declared runs: all pods that are wished for
// are ready and no old ones are left.
func (s Status) Ready() bool {
	if !s.Loaded || s.Settling {
		return false
	}
	if !s.ControlPlane.Absent && (!s.ControlPlane.Connected || s.ControlPlane.Unresponsive) {
		return false
	}
	for _, d := range s.Deployments {
		if d.Blocked || d.Ready < d.Replicas || d.Updated != d.Replicas || d.Current != d.Replicas {
			return false
		}
	}
	return true
}

// ControlPlaneStatus is how the control plane is.
type ControlPlaneStatus struct {
	Absent    bool `json:"absent,omitempty"` // none is to run
	Running   bool `json:"running"`
	Connected bool `json:"connected"` // reads the cluster's state
	// Unresponsive says that it is connected, but did not answer who asked for
	// this status.
	Unresponsive bool      `json:"unresponsive,omitempty"`
	PID          int       `json:"pid,omitempty"`
	Since        time.Time `json:"since,omitzero"`
	Restarts     int       `json:"restarts"`
	Error        string    `json:"error,omitempty"` // of its last end
	Revision     uint64    `json:"revision"`        // of the state published last
}

// DeploymentStatus is how a Deployment is.
type DeploymentStatus struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Replicas  int    `json:"replicas"` // wished for
	Current   int    `json:"current"`  // pods that are there and not stopping
	Ready     int    `json:"ready"`
	Updated   int    `json:"updated"`           // of the newest template
	Blocked   bool   `json:"blocked,omitempty"` // cannot run as written; a finding says why
}

// PodStatus is how a pod is.
type PodStatus struct {
	Namespace  string `json:"namespace"`
	Name       string `json:"name"`
	UID        string `json:"uid"`
	Deployment string `json:"deployment"`
	IP         string `json:"ip,omitempty"`
	Dir        string `json:"dir"`   // the pod's folder
	Phase      string `json:"phase"` // Pending, Running, Terminating
	Ready      bool   `json:"ready"`
	Sidecar    bool   `json:"sidecar"`
	Gateway    bool   `json:"gateway,omitempty"`
	// Restarts are those of all containers, and of Envoy, which EnvoyRestarts are
	// alone: how often it ended without being asked to.
	Restarts      int                       `json:"restarts"`
	EnvoyRestarts int                       `json:"envoyRestarts"`
	Reason        string                    `json:"reason,omitempty"`
	Message       string                    `json:"message,omitempty"`
	Created       time.Time                 `json:"created"`
	ReadyAt       time.Time                 `json:"readyAt,omitzero"` // first
	Containers    []sandbox.ContainerStatus `json:"containers"`
}

// ServiceStatus is how a Service is.
type ServiceStatus struct {
	Namespace string          `json:"namespace"`
	Name      string          `json:"name"`
	Type      string          `json:"type"`
	Address   string          `json:"address,omitempty"` // None for headless services
	Ports     []int32         `json:"ports"`
	HostPorts []plan.HostPort `json:"hostPorts,omitempty"`
	Endpoints int             `json:"endpoints"` // ready
}
