package smsplus

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// pushed returns a queue with messages, each named after its template and its number in the
// template.
func pushed(c Class, counts map[string]int) *jobQueue {
	q := newJobQueue()
	for _, template := range []string{"a", "b", "c"} {
		for n := range counts[template] {
			q.push(c, job{Message: &Message{Template: template, Class: c, Key: fmt.Sprintf("%s%d", template, n)}})
		}
	}
	return &q
}

// waiting returns how many messages wait.
func (q *jobQueue) waiting() (n int) {
	for i := range q.classes {
		n += q.classes[i].length
	}
	return n
}

func (q *jobQueue) popKeys(n int) (keys []string) {
	for range n {
		keys = append(keys, q.popFirst().Key)
	}
	return keys
}

func TestJobQueue_TemplatesTakeTurns(t *testing.T) {
	t.Parallel()
	q := pushed(Normal, map[string]int{"a": 4, "b": 2, "c": 1})
	require.Equal(t, []string{"a0", "b0", "c0", "a1"}, q.popKeys(4))
	q.push(Normal, job{Message: &Message{Template: "c", Key: "c1"}})
	require.Equal(t, []string{"b1", "a2", "c1", "a3"}, q.popKeys(4), "one that comes again has its turn after the others")
	require.Zero(t, q.waiting())
}

func TestJobQueue_EachClassHasATenth(t *testing.T) {
	t.Parallel()
	q := newJobQueue()
	var want [numClasses]int
	for _, c := range byUrgency {
		for range 100 {
			q.push(c, job{Message: &Message{Class: c}})
		}
	}
	var order []Class
	for range 101 {
		order = append(order, q.popFirst().Class)
		want[order[len(order)-1]]++
	}
	require.Equal(t, []Class{Urgent, Urgent, Urgent}, order[:3])
	require.Equal(t, [numClasses]int{Urgent: 81, Normal: 10, Bulk: 10}, want)
	require.Equal(t, Bulk, q.popLeastUrgent().Class)
	require.Equal(t, Urgent, pushed(Urgent, map[string]int{"a": 1}).popLeastUrgent().Class)
}

// Bulk that had the channel for itself does not go before what comes then.
func TestJobQueue_ClassAloneSavesNoTurns(t *testing.T) {
	t.Parallel()
	q := pushed(Bulk, map[string]int{"a": 3})
	q.popKeys(2)
	q.push(Urgent, job{Message: &Message{Key: "urgent"}})
	require.Equal(t, []string{"urgent", "a2"}, q.popKeys(2))
}

func TestJobQueue_KeepsEveryMessage(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		q := newJobQueue()
		last := map[string]int{} // by class and template, the last one that came out
		in := map[string]int{}
		waiting := 0
		for range rapid.IntRange(1, 300).Draw(t, "calls") {
			if waiting == 0 || rapid.Bool().Draw(t, "push") {
				c := rapid.SampledFrom(byUrgency[:]).Draw(t, "class")
				template := fmt.Sprint(rapid.IntRange(0, 2*maxIdleTemplates).Draw(t, "template"))
				lineage := c.String() + template
				in[lineage]++
				q.push(c, job{Message: &Message{Class: c, Template: template, Claims: in[lineage]}})
				waiting++
				continue
			}
			pop := q.popFirst
			if rapid.Bool().Draw(t, "least urgent") {
				pop = q.popLeastUrgent
			}
			j := pop()
			lineage := j.Class.String() + j.Template
			last[lineage]++
			require.Equal(t, last[lineage], j.Claims, "a template keeps its order")
			waiting--
			require.Equal(t, waiting, q.waiting())
		}
	})
}
