package main

import (
	"errors"
	"fmt"
	"os"

	"searchrl/experiment"
	"searchrl/rollout"
	"searchrl/rollout/remote"
	"searchrl/tokenizer"
)

// servedFlags name a policy behind a server, for the commands that train nothing.
type servedFlags struct {
	PolicyURL   string `name:"policy-url" placeholder:"URL" help:"OpenAI-compatible server of the policy (vLLM, SGLang), such as http://localhost:8000/v1, instead of --model; the key is read from SEARCHRL_POLICY_KEY."`
	PolicyModel string `placeholder:"NAME" help:"The policy's name at that server."`
	Tokenizer   string `placeholder:"DIR" help:"Folder with that policy's tokenizer.json and tokenizer_config.json."`
}

// servedBase reads the policy of the other flags, or of a served one the tokenizer, which is all that is here.
func (f servedFlags) servedBase(local policyFlags) (experiment.Base, error) {
	switch {
	case f == servedFlags{}:
		return local.base()
	case f.PolicyURL == "" || f.PolicyModel == "" || f.Tokenizer == "":
		return experiment.Base{}, unusable(errors.New("expected --policy-url, --policy-model and --tokenizer together"))
	case local.Model != "":
		return experiment.Base{}, unusable(errors.New("--model and --policy-url are both given; expected one of them"))
	}
	tok, err := tokenizer.Load(os.DirFS(f.Tokenizer))
	if err != nil {
		return experiment.Base{}, unusable(fmt.Errorf("--tokenizer %s: %w", f.Tokenizer, err))
	}
	return experiment.Base{Name: f.PolicyModel, Tokenizer: tok}, nil
}

// answerer is a policy that answers and is not trained.
type answerer struct {
	rollout.Policy
	backend string // what computes: the kind of a backend, or a server's address
	close   func()
}

// answerer opens the policy of a base that servedBase gave.
func (f servedFlags) answerer(con *console, base experiment.Base, backend backendFlags) (*answerer, error) {
	if f.PolicyURL != "" {
		options := remote.DefaultOptions(f.PolicyURL, f.PolicyModel)
		options.Key = os.Getenv(remote.KeyVariable)
		policy, err := remote.New(options, base.Tokenizer)
		if err != nil {
			return nil, unusable(err)
		}
		con.note("policy: %s at %s", f.PolicyModel, f.PolicyURL)
		return &answerer{policy, f.PolicyURL, policy.Close}, nil
	}
	engine, err := backend.open(con)
	if err != nil {
		return nil, err
	}
	policy, err := engine.model(base)
	if err != nil {
		engine.close()
		return nil, err
	}
	return &answerer{policy, string(engine.backend.Kind()), func() { policy.Close(); engine.close() }}, nil
}
