package sampled

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestCurveShowsTheAlarm: the curve of a test that alarms has the point at which it does, and reaches the level there.
func TestCurveShowsTheAlarm(t *testing.T) {
	for _, more := range []int{0, 100} { // stopped at the alarm, or gone on
		p, err := NewProcess(-1, 1, 1e-6)
		require.NoError(t, err)
		c := &curve{}
		for n := 0; !p.Alarm() || n < p.AlarmAt()+more; n++ {
			require.NoError(t, p.Observe(float64(1-2*min(n%3, 1))*-1))
			c.add(p)
		}
		require.Contains(t, c.x, float64(p.AlarmAt()))
		top := math.Inf(-1)
		for i, x := range c.x {
			if i > 0 {
				require.Greater(t, x, c.x[i-1])
			}
			top = math.Max(top, c.y[i])
		}
		require.GreaterOrEqual(t, top, 6.)
	}
}
