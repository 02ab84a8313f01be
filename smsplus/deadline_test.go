package smsplus

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLazyDeadline_IsAContextLikeAnyOther(t *testing.T) {
	t.Parallel()
	type key struct{}
	parentOf := func(t *testing.T) context.Context { return context.WithValue(t.Context(), key{}, "value") }
	for name, asked := range map[string]bool{"asked for Done before": true, "and not": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			open := func(t *testing.T, parent context.Context) *lazyDeadline {
				c := withDeadline(parent, time.Minute)
				if asked {
					c.Done()
				}
				require.NoError(t, c.Err())
				require.Equal(t, "value", c.Value(key{}))
				return c
			}
			t.Run("it ends in time", func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					c := open(t, parentOf(t))
					defer c.cancel()
					<-time.After(time.Minute)
					synctest.Wait()
					require.ErrorIs(t, c.Err(), context.DeadlineExceeded)
					<-c.Done()
				})
			})
			t.Run("it ends when it is canceled", func(t *testing.T) {
				t.Parallel()
				c := open(t, parentOf(t))
				c.cancel()
				require.ErrorIs(t, c.Err(), context.Canceled)
				<-c.Done()
			})
			t.Run("it ends with its parent, and what is derived from it with it", func(t *testing.T) {
				t.Parallel()
				parent, cancel := context.WithCancel(parentOf(t))
				c := open(t, parent)
				defer c.cancel()
				child, done := context.WithCancel(c)
				defer done()
				cancel()
				require.ErrorIs(t, c.Err(), context.Canceled)
				<-child.Done()
			})
			t.Run("it is no later than its parent's", func(t *testing.T) {
				t.Parallel()
				parent, cancel := context.WithTimeout(parentOf(t), time.Second)
				defer cancel()
				c := open(t, parent)
				defer c.cancel()
				at, ok := c.Deadline()
				want, _ := parent.Deadline()
				require.True(t, ok)
				require.Equal(t, want, at)
			})
		})
	}
}
