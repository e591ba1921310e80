// Package qa holds questions with their accepted answers, the question files they come in, and the two metrics that
// open-domain question answering is graded by: exact match and token F1.
//
// # Metrics
//
// [Normalize] is the normalisation of the SQuAD evaluation script (Rajpurkar et al. 2016), which Search-R1's reward
// and FlashRAG's evaluator share: lower case, ASCII punctuation removed, the articles a, an and the removed, white
// space collapsed. It follows what the Python code does on every Unicode text, so that figures agree to the last
// question.
//
// [ExactMatch] is 1 if the normalised prediction equals a normalised answer, else 0. [F1] is the harmonic mean of token
// precision and recall, the best over all answers, in the convention of HotpotQA (Yang et al. 2018) and FlashRAG:
// yes, no and noanswer earn nothing unless they match exactly, and without a common token F1 is 0. SQuAD 2.0 differs
// in one case: there, two answers that are both empty after normalisation have F1 1.
//
// # Question files
//
// [OpenQuestions] and [ReadQuestions] read the files of Search-R1 and FlashRAG, and those in which the seven benchmarks
// were published: NQ-open (Lee et al. 2019), TriviaQA (Joshi et al. 2017), PopQA (Mallen et al. 2023), HotpotQA (Yang et al.
// 2018), 2WikiMultihopQA (Ho et al. 2020), MuSiQue (Trivedi et al. 2022), Bamboogle (Press et al. 2023). The content says
// which it is. [WriteQuestions] writes Search-R1's layout.
package qa
