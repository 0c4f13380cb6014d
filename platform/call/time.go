package call

import "time"

// TimeLayout is how the standard writes instants: UTC, seconds, no fraction.
const TimeLayout = "2006-01-02T15:04:05Z"

// Time writes an instant as the standard does.
func Time(t time.Time) string { return t.UTC().Format(TimeLayout) }

// AppendTime is Time for bytes under construction.
func AppendTime(b []byte, t time.Time) []byte { return t.UTC().AppendFormat(b, TimeLayout) }
