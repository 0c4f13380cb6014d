package platform

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/ensaio/ensaio/platform/gateway"
	"github.com/ensaio/ensaio/platform/memo"
)

// memos are what every call writes and no restart may forget: within its life nobody shows an assertion or a
// message twice, and a month's quota is one.
type memos struct {
	assertions, messages *memo.Seen
	quotas               *memo.Counts // nil: memory alone
}

// recall opens what the folder holds; without a folder the memories end with the process.
func recall(dir string, now time.Time) (m memos, err error) {
	below := func(name string) string {
		if dir == "" {
			return ""
		}
		return filepath.Join(dir, name)
	}
	if m.assertions, err = memo.OpenSeen(below("assertions"), now); err != nil {
		return m, fmt.Errorf("used assertions: %w", err)
	}
	if m.messages, err = memo.OpenSeen(below("messages"), now); err != nil {
		return m, errors.Join(fmt.Errorf("used messages: %w", err), m.close())
	}
	if dir != "" {
		if m.quotas, err = memo.OpenCounts(below("quotas"), gateway.MonthOf(now)); err != nil {
			return m, errors.Join(fmt.Errorf("counts of months: %w", err), m.close())
		}
	}
	return m, nil
}

func (m memos) close() error {
	var failed error
	for _, s := range []*memo.Seen{m.assertions, m.messages} {
		if s != nil {
			failed = errors.Join(failed, s.Close())
		}
	}
	if m.quotas != nil {
		failed = errors.Join(failed, m.quotas.Close())
	}
	return failed
}
