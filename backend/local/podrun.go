package local

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/heddle-mesh/heddle/backend/local/plan"
	"github.com/heddle-mesh/heddle/backend/local/sandbox"
)

// How long things may take when all stop at once, so that Ctrl-C is over
// within 10 s; and how long an agent may take otherwise.
const (
	hastyGrace = 4 * time.Second
	hastyProxy = time.Second
	proxyGrace = 8 * time.Second
	drainLimit = 5 * time.Second
)

// keptLogs is the number of ended pods whose logs are kept in the folder of
// logs, for those who want to know why they ended.
const keptLogs = 20

// runPod starts a pod and follows it until it has ended.
func (s *Supervisor) runPod(p *pod, volumes []plan.Volume) {
	defer close(p.gone)
	outputs, err := s.startPod(p, volumes)
	if err != nil {
		s.o.Log.Error("pod not started", "pod", p.Key.String(), "error", err)
		s.do(func() { p.status.Reason, p.status.Message, p.failed = "CreatePodError", err.Error(), err })
		s.endPod(p, outputs)
		// Tried anew after a while: the loop makes another one.
		s.after(retryEvery, p.stop)
		s.do(func() { delete(s.pods, p.id) })
		return
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		err := s.machine.Watch(p.id, func(status sandbox.Status) {
			s.do(func() { s.observe(p, status) })
		})
		if err != nil {
			s.o.Log.Debug("pod no longer watched", "pod", p.Key.String(), "error", err)
		}
	}()
	var pause time.Duration // before another pod may take its place
	for {
		select {
		case b := <-p.services:
			if err := s.tell(p, b); err != nil {
				s.o.Log.Debug("service addresses not updated", "pod", p.Key.String(), "error", err)
			}
			continue
		case <-ended:
			fell := make(chan time.Duration, 1)
			if s.do(func() { fell <- s.fell(p) }) {
				pause = <-fell
			}
			s.o.Log.Warn("pod ended by itself", "pod", p.Key.String(), "again_in", pause)
		case <-p.stop:
			s.stopPod(p)
		}
		break
	}
	s.endPod(p, outputs)
	<-ended
	if pause > 0 {
		s.after(pause, p.stop)
	}
	s.do(func() { delete(s.pods, p.id) })
}

// after waits, but not longer than until stop or the loop ends.
func (s *Supervisor) after(d time.Duration, stop <-chan struct{}) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-stop:
	}
}

// startPod makes a pod's world and starts what runs in it.
func (s *Supervisor) startPod(p *pod, volumes []plan.Volume) ([]*logSink, error) {
	s.slots <- struct{}{}
	defer func() { <-s.slots }()
	if err := s.files(p, volumes); err != nil {
		return nil, err
	}
	if err := s.machine.Add(p.spec); err != nil {
		return nil, fmt.Errorf("make the pod's sandbox: %w", err)
	}
	var logs []*logSink
	containers := append(append([]sandbox.Container(nil), p.spec.Init...), p.spec.Containers...)
	if p.spec.Proxy != nil {
		containers = append(containers, *p.spec.Proxy)
	}
	for _, c := range containers {
		log, err := openLog(s.logPath(p.Key, c.Name))
		if err != nil {
			return logs, err
		}
		logs = append(logs, log)
		s.do(func() { s.logs[log.path] = log })
		out, err := log.pipe()
		if err != nil {
			return logs, err
		}
		err = s.machine.Output(p.id, c.Name, out)
		out.Close()
		if err != nil {
			return logs, err
		}
	}
	select { // so that the first connection finds its way
	case b := <-p.services:
		if err := s.tell(p, b); err != nil {
			return logs, err
		}
	default:
	}
	if err := s.machine.Run(p.id); err != nil {
		return logs, err
	}
	s.do(func() { p.status.Running = true })
	return logs, nil
}

// tell says to a pod what service addresses mean.
func (s *Supervisor) tell(p *pod, m meanings) error {
	err := s.machine.Services(p.id, m.backends)
	if err == nil {
		s.do(func() { p.knows = m.version })
	}
	return err
}

// observe takes a new status of a pod.
func (s *Supervisor) observe(p *pod, status sandbox.Status) {
	p.status.Status = status
	ready := p.status.Running && status.Ready()
	if ready && !p.settled {
		// A new identity is known everywhere before its endpoint is; that takes
		// moments, and is not waited for longer than this.
		time.AfterFunc(settleLimit, func() { s.do(func() { p.settle() }) })
		return
	}
	if ready != p.Ready {
		s.o.Log.Info("pod readiness changed", "pod", p.Key.String(), "ready", ready)
	}
	p.Ready = ready
	if ready && p.readyAt.IsZero() {
		p.readyAt = time.Now()
	}
}

// withdraw asks a pod to end. The loop calls it.
func (s *Supervisor) withdraw(p *pod) {
	if p.Terminating {
		return
	}
	p.Terminating, p.status.Deleted = true, time.Now()
	close(p.stop)
}

// stopPod takes a pod out of traffic and then ends its programs.
func (s *Supervisor) stopPod(p *pod) {
	var wasReady, hasty bool
	if !s.ask(func() { wasReady, hasty = p.Ready, s.stopping }) {
		hasty = true
	}
	grace, proxy := p.status.Grace, proxyGrace
	if hasty {
		grace, proxy = min(grace, hastyGrace), hastyProxy
	} else if wasReady {
		s.settle(settleLimit) // nobody sends anything new to it
		s.do(func() { p.Withdrawn = true })
		s.settle(settleLimit) // connections to it are let go
		s.drain(p, min(p.status.Grace, drainLimit))
		if !s.ask(func() { hasty = s.stopping }) || hasty {
			grace, proxy = min(grace, hastyGrace), hastyProxy
		}
	}
	if err := s.machine.Stop(p.id, grace, proxy); err != nil {
		s.o.Log.Debug("pod not stopped in order", "pod", p.Key.String(), "error", err)
	}
}

// settle waits until all proxies follow what the loop has decided by now.
func (s *Supervisor) settle(limit time.Duration) {
	ctx, cancel := context.WithTimeout(s.calm, limit)
	defer cancel()
	revision := make(chan uint64, 1)
	if !s.do(func() { s.afterPublish(func(r uint64) { revision <- r }) }) {
		return
	}
	select {
	case r := <-revision:
		s.awaitMeanings(ctx)
		if s.serve == nil {
			return
		}
		if err := s.cluster.WaitSettled(ctx, r); err != nil {
			s.o.Log.Warn("proxies were not seen to follow", "revision", r, "error", err)
		}
	case <-ctx.Done():
	}
}

// meaningsEvery is how often pods are looked at that follow a change.
const meaningsEvery = 5 * time.Millisecond

// awaitMeanings waits until all pods that go on running know what service
// addresses mean by now.
func (s *Supervisor) awaitMeanings(ctx context.Context) {
	ticker := time.NewTicker(meaningsEvery)
	defer ticker.Stop()
	for {
		behind := false
		asked := s.ask(func() {
			for _, p := range s.pods {
				behind = behind || p.status.Running && !p.Terminating && p.knows != s.published.meanings.version
			}
		})
		if !asked || !behind {
			return
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// endPod removes what is left of a pod.
func (s *Supervisor) endPod(p *pod, logs []*logSink) {
	if err := s.machine.Remove(p.id); err != nil {
		s.o.Log.Debug("sandbox not removed", "pod", p.Key.String(), "error", err)
	}
	s.cluster.Withdraw(p.UID)
	if p.listener != nil {
		p.listener.Close()
	}
	for _, l := range logs {
		l.Close()
	}
	s.do(func() {
		for _, l := range logs {
			delete(s.logs, l.path)
		}
		s.oldLogs = append(s.oldLogs, filepath.Dir(s.logPath(p.Key, "")))
		for ; len(s.oldLogs) > keptLogs; s.oldLogs = s.oldLogs[1:] {
			if err := os.RemoveAll(s.oldLogs[0]); err != nil {
				s.o.Log.Debug("old log not removed", "folder", s.oldLogs[0], "error", err)
			}
		}
	})
	if err := os.RemoveAll(s.o.podDir(p.id)); err != nil {
		s.o.Log.Debug("pod folder not removed", "pod", p.Key.String(), "error", err)
	}
}

// stopPods ends all pods side by side. The loop has ended its work; this takes
// its place until all are gone.
func (s *Supervisor) stopPods() {
	s.stopping = true
	s.hurry()
	for _, p := range s.pods {
		s.withdraw(p)
	}
	for len(s.pods) > 0 {
		select {
		case f := <-s.events:
			f()
		case f := <-s.queries:
			f()
		case <-s.machine.Exited():
			close(s.ended)
			return
		}
	}
	close(s.ended)
}
