package memstore

import (
	"iter"
	"slices"
	"sort"
)

// entry is a record in a list, with the time by which the list is ordered.
type entry struct {
	at     int64
	handle handle
}

// tieOrder compares a record with the wanted one, if both have the same time.
type tieOrder func(handle) int

// list holds entries in ascending order of time, and of a tieOrder where times are
// equal. It consists of runs. Almost every entry is appended, which fills one run after
// the other. Inserting or removing elsewhere moves the entries of one run only.
type list struct {
	runs   [][]entry // no run is empty or longer than runSize
	length int
}

const (
	runSize = 256
	// mergeBelow is the size below which a run is merged with a neighbor, if the two
	// together have at most maxMergedSize. The margin up to runSize prevents that the
	// merged run is soon split again.
	mergeBelow    = runSize / 4
	maxMergedSize = runSize * 3 / 4
)

// searchEntry returns the position of the first entry that is not before the given one.
func (l *list) searchEntry(at int64, t tieOrder) (run, i int) {
	before := func(e entry) bool { return e.at < at || e.at == at && t(e.handle) < 0 }
	run = sort.Search(len(l.runs), func(i int) bool { return !before(l.runs[i][len(l.runs[i])-1]) })
	if run == len(l.runs) {
		return run, 0
	}
	r := l.runs[run]
	return run, sort.Search(len(r), func(i int) bool { return !before(r[i]) })
}

func (l *list) add(e entry, t tieOrder) {
	l.length++
	if last := len(l.runs) - 1; last < 0 {
		l.addFirstRun(e)
		return
	} else if r := l.runs[last]; isAfter(e, r[len(r)-1], t) {
		if len(r) == runSize {
			l.runs = append(l.runs, append(make([]entry, 0, runSize), e))
		} else {
			l.runs[last] = append(r, e)
		}
		return
	}
	run, i := l.searchEntry(e.at, t)
	r := l.runs[run]
	if len(r) == runSize {
		half := append(make([]entry, 0, runSize), r[runSize/2:]...)
		l.runs = slices.Insert(l.runs, run+1, half)
		r = r[:runSize/2]
		l.runs[run] = r
		if i > len(r) {
			run, i, r = run+1, i-len(r), half
		}
	}
	l.runs[run] = slices.Insert(r, i, e)
}

// addFirstRun adds an entry to an empty list. It reuses the memory of the last run,
// because some lists keep changing between no entry and one.
func (l *list) addFirstRun(e entry) {
	if cap(l.runs) == 0 {
		l.runs = make([][]entry, 1)
	}
	l.runs = l.runs[:1]
	l.runs[0] = append(l.runs[0], e)
}

func isAfter(e, last entry, t tieOrder) bool {
	return last.at < e.at || last.at == e.at && t(last.handle) < 0
}

// remove removes an entry, which must be in the list.
func (l *list) remove(e entry, t tieOrder) {
	run, i := l.searchEntry(e.at, t)
	l.removeAt(run, i)
}

func (l *list) removeAt(run, i int) {
	l.length--
	r := l.runs[run]
	if l.length == 0 {
		l.runs[0] = r[:0]
		l.runs = l.runs[:0]
		return
	}
	if i == 0 {
		r = r[1:] // moves nothing, so that takeFirst is cheap
	} else {
		r = slices.Delete(r, i, i+1)
	}
	l.runs[run] = r
	switch {
	case len(r) == 0:
		l.dropRun(run)
	case len(r) < mergeBelow && run+1 < len(l.runs) && len(r)+len(l.runs[run+1]) <= maxMergedSize:
		l.mergeRuns(run)
	case len(r) < mergeBelow && run > 0 && len(r)+len(l.runs[run-1]) <= maxMergedSize:
		l.mergeRuns(run - 1)
	}
}

// mergeRuns appends the next run to the given one.
func (l *list) mergeRuns(run int) {
	l.runs[run] = append(l.runs[run], l.runs[run+1]...)
	l.dropRun(run + 1)
}

func (l *list) dropRun(run int) {
	if run == 0 {
		l.runs[0] = nil
		l.runs = l.runs[1:]
		return
	}
	l.runs = slices.Delete(l.runs, run, run+1)
}

// first returns the first entry of a list that is not empty.
func (l *list) first() entry { return l.runs[0][0] }

// takeFirst removes and returns the first entry of a list that is not empty.
func (l *list) takeFirst() entry {
	e := l.first()
	l.removeAt(0, 0)
	return e
}

// ascend yields the entries from first to last.
func (l *list) ascend() iter.Seq[entry] {
	return func(yield func(entry) bool) {
		for _, r := range l.runs {
			for _, e := range r {
				if !yield(e) {
					return
				}
			}
		}
	}
}

// ascendFrom yields the given entry, if the list has it, and those after it.
func (l *list) ascendFrom(at int64, t tieOrder) iter.Seq[entry] {
	return func(yield func(entry) bool) {
		for run, i := l.searchEntry(at, t); run < len(l.runs); run, i = run+1, 0 {
			for _, e := range l.runs[run][i:] {
				if !yield(e) {
					return
				}
			}
		}
	}
}

// descend yields the entries before the given one, from last to first.
func (l *list) descend(at int64, t tieOrder) iter.Seq[entry] {
	return func(yield func(entry) bool) {
		run, i := l.searchEntry(at, t)
		for {
			if i == 0 {
				if run--; run < 0 {
					return
				}
				i = len(l.runs[run])
			}
			i--
			if !yield(l.runs[run][i]) {
				return
			}
		}
	}
}
