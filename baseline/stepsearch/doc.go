// Package stepsearch is StepSearch: PPO with a reward for every search, by how much closer its documents are to the passages
// that the answer rests on and by how many of them are new, and with a reward of the answer that counts well-worded queries.
//
// # Equations
//
// A question has n gold passages and the wordings ("keys") of the query for each of its facts. m_i is the best TF-IDF cosine
// with gold passage i that a document of the trajectory's earlier searches had.
//
//	gain          IG_t = (1/n) Σ_i max(c_i^t − m_i, 0),  c_i^t = max over the documents of search t of their cosine with i
//	redundancy    P_t  = share of the documents of search t that an earlier search has shown
//	step reward   r_t  = w_g IG_t − w_p P_t               at the last token of </search>;  w_g = w_p = 0.6
//	key score     K    = mean over facts of max over queries and wordings of token F1
//	outcome       R    = F1(answer, a*) + w_k K           at the last sampled token;  w_k = 0.618
//	              R    = −1                               without an answer
//	advantage     GAE with γ = λ = 1 and a critic         packages gae and ppo
//
// Source: Wang et al., StepSearch (arXiv 2505.15107) and its released code, which this follows; the paper's own text was not at
// hand in full, so where code and paper differ we could not tell.
//
// Limiting case: with w_g = w_p = w_k = 0 and 0 for no answer it is package ppo with the outcome F1, bit for bit.
//
// # What the released code gets wrong
//
//   - A later query overwrites an earlier match of the same key, so a better query can be forgotten. Here the best one counts.
//   - The step rewards are scaled by 0.6, but added to a view of the very array that holds them: the factor is 1.6. Here it is 0.6,
//     once.
//   - The outcome overwrites what a step reward had put at the last token. Here both count.
//   - −1 is given for any text behind </answer>, a line break included. Here a step ends with its closing tag, so only a
//     trajectory without an answer gets it ([Method.Unanswered]).
//   - TF-IDF is fitted anew for each document, on it and the gold passages, so c_i and m_i are not on one scale. Here it is fitted
//     once a question, on its gold passages.
//   - A document is seen if its text was, letter by letter. Here if its id was.
//
// What a search would bring that was not executed (in the last turn) is not rewarded.
package stepsearch
