import Lockstep
import LockstepConfiguration
import LockstepFiles
import LockstepPlatform

/// What a mean cross-entropy of tokens says in other units.
struct TokenScores {
  /// What a token is: `character`, `byte` or `token`.
  private let unit: String

  /// Nil where the data are no tokens, or the loss is no plain cross-entropy.
  init?(_ description: DataDescription, _ configuration: RunConfiguration) {
    guard let tokens = description.tokens,
      let loss = configuration.loss as? SoftmaxCrossEntropy, loss.isLogLikelihood
    else { return nil }
    unit =
      switch (try? tokens.textTokenizer()) ?? nil {
      case is CharacterTokenizer: "character"
      case is ByteTokenizer: "byte"
      default: "token"
      }
  }

  /// `, perplexity 5.1, 2.35 bits a character`.
  func text(_ loss: Double) -> String {
    ", perplexity \(readable(exp(loss))), \(readable(loss / log(2))) bits a \(unit)"
  }

  /// Adds the numbers to a report in JSON.
  func add(_ report: EvaluationReport, to object: inout JSONObject) {
    object["perplexity"] = .number(report.perplexity)
    object["bitsPerToken"] = .number(report.bitsPerToken)
  }
}
