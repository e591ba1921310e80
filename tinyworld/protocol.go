package tinyworld

import "searchrl/rollout"

// Protocol returns the agent protocol that the level's base policy was made for: strict, without instructions, with
// budgets that leave little room for useless steps. A step that is no valid one ends the trajectory.
func Protocol(level Level) rollout.Protocol {
	p := rollout.Bare()
	p.Document = " {text}"
	p.ForcedAnswer = "<think> " + knowsThought + "</think><answer>" // this policy knows no answer without a thought
	p.MaxTurns = 6
	p.MaxStepTokens = 32
	p.TopK = 2
	p.MaxDocTokens = 64
	p.MaxTokens = 320
	p.Tags.Decision = "decision"
	p.Review = rollout.Review{
		Prompt:    "<review>{steps}</review><decision>",
		Query:     "{n} {action}\n",
		Answer:    "{n} answer {action}\n",
		Invalid:   "{n}\n",
		MaxTokens: 6,
	}
	if level == Hard {
		p.MaxTurns = 4
		p.MaxStepTokens = 40
		p.MaxDocTokens = 96
		p.MaxTokens = 448
	}
	return p
}
