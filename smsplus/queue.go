package smsplus

// jobQueue orders the messages that wait for a channel's workers. Urgent messages go first,
// then normal ones, then bulk, and each class has a tenth of the turns at least. In a class
// the templates take turns. The messages of one template keep their order.
type jobQueue struct {
	classes [numClasses]classQueue
	// slots hold the messages of all templates. free is the first unused slot of a list, or
	// noSlot.
	slots []jobSlot
	free  int32
}

type jobSlot struct {
	job  job
	next int32 // in the template's queue, or in the list of unused slots
}

const (
	// noSlot ends a list of slots.
	noSlot = -1
	// maxTurnsMissed is how many messages of other classes may go before one of a class.
	maxTurnsMissed = 9
	// maxIdleTemplates bounds the templates without messages that a class remembers.
	maxIdleTemplates = 64
)

// classQueue has the messages of one class.
type classQueue struct {
	length int
	// turnsMissed counts the messages of other classes that went first since this class had
	// its last turn.
	turnsMissed int
	queues      map[string]*templateQueue // by template
	// ringEnd had the last turn in the ring of the templates that have messages. It is nil if
	// there are none.
	ringEnd *templateQueue
	active  int // templates in the ring
}

// templateQueue has the messages of one template, the first in at the head.
type templateQueue struct {
	name       string
	head, tail int32
	length     int
	next       *templateQueue // in the ring
}

func newJobQueue() jobQueue {
	q := jobQueue{free: noSlot}
	for i := range q.classes {
		q.classes[i].queues = make(map[string]*templateQueue)
	}
	return q
}

// push adds a message.
func (q *jobQueue) push(c Class, j job) {
	slot := q.free
	if slot == noSlot {
		slot = int32(len(q.slots))
		q.slots = append(q.slots, jobSlot{})
	} else {
		q.free = q.slots[slot].next
	}
	q.slots[slot] = jobSlot{job: j, next: noSlot}

	class := &q.classes[c]
	class.length++
	t := class.queueOf(j.Template)
	t.length++
	if t.length > 1 {
		q.slots[t.tail].next = slot
		t.tail = slot
		return
	}
	t.head, t.tail = slot, slot
	class.enter(t)
}

// queueOf returns the queue of a template.
func (c *classQueue) queueOf(name string) *templateQueue {
	if c.ringEnd != nil && c.ringEnd.name == name {
		return c.ringEnd
	}
	t := c.queues[name]
	if t == nil {
		t = &templateQueue{name: name}
		c.queues[name] = t
	}
	return t
}

// enter adds a template to the ring. All others have their turns before it.
func (c *classQueue) enter(t *templateQueue) {
	if c.ringEnd == nil {
		t.next = t
	} else {
		t.next = c.ringEnd.next
		c.ringEnd.next = t
	}
	c.ringEnd = t
	c.active++
}

// popFirst removes the message whose turn it is. There must be one.
func (q *jobQueue) popFirst() job {
	first := -1
	for _, c := range byUrgency {
		class := &q.classes[c]
		if class.length > 0 && (first < 0 || class.turnsMissed >= maxTurnsMissed) {
			first = int(c)
		}
	}
	for i := range q.classes {
		if class := &q.classes[i]; class.length > 0 {
			class.turnsMissed++
		}
	}
	q.classes[first].turnsMissed = 0
	return q.pop(&q.classes[first])
}

// popLeastUrgent removes a message of the least urgent class. There must be one.
func (q *jobQueue) popLeastUrgent() job {
	for i := numClasses - 1; i > 0; i-- {
		if class := &q.classes[byUrgency[i]]; class.length > 0 {
			return q.pop(class)
		}
	}
	return q.pop(&q.classes[byUrgency[0]])
}

// pop removes the first message of the template whose turn it is.
func (q *jobQueue) pop(class *classQueue) job {
	t := class.ringEnd.next
	slot := t.head
	j := q.slots[slot].job
	t.head = q.slots[slot].next
	q.slots[slot] = jobSlot{next: q.free}
	q.free = slot

	class.length--
	t.length--
	switch {
	case t.length > 0:
		class.ringEnd = t
	case class.active == 1:
		class.ringEnd, class.active = nil, 0
		class.pruneIdle(t)
	default:
		class.ringEnd.next = t.next
		class.active--
		class.pruneIdle(t)
	}
	return j
}

// pruneIdle drops a template without messages if many are remembered.
func (c *classQueue) pruneIdle(t *templateQueue) {
	if len(c.queues) > maxIdleTemplates {
		delete(c.queues, t.name)
	}
}

// fairShare returns how many of n places a template may have, and how many of its messages
// the queue has.
func (q *jobQueue) fairShare(c Class, template string, n int) (fair, queued int) {
	class := &q.classes[c]
	others := class.active
	if t := class.queues[template]; t != nil && t.length > 0 {
		queued = t.length
		others--
	}
	return n / (1 + others), queued
}
