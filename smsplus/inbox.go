package smsplus

import "sync"

// jobInbox holds the jobs that wait for a call other than a send: to ask a provider, or to take
// an attempt back. It is bounded, and open while a Run lasts.
type jobInbox struct {
	mu     sync.Mutex
	isOpen bool
	queue  chan job // of the current run
}

// openQueue makes the queue of a run, and returns it for its goroutines to range over.
func (b *jobInbox) openQueue(size int) <-chan job {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.isOpen, b.queue = true, make(chan job, size)
	return b.queue
}

// closeQueue ends the queue of a run.
func (b *jobInbox) closeQueue() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.isOpen = false
	close(b.queue)
}

// addJob adds a job, if the queue is open and not full. It never blocks.
func (b *jobInbox) addJob(j job) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.isOpen || len(b.queue) == cap(b.queue) {
		return false
	}
	b.queue <- j
	return true
}

// takeWaiting returns a job together with others that wait in its queue, n at most.
func takeWaiting(first job, queue <-chan job, n int) []job {
	js := []job{first}
	for len(js) < n {
		select {
		case j, ok := <-queue:
			if !ok {
				return js
			}
			js = append(js, j)
		default:
			return js
		}
	}
	return js
}

// releaseJobs puts jobs back when a run ends.
func (d *Dispatcher) releaseJobs(s *runState, js []job) {
	var updates sync.WaitGroup // they share a commit
	for _, j := range js {
		updates.Go(func() { d.releaseLease(s.sending, j, d.now(), true) })
	}
	updates.Wait()
}
