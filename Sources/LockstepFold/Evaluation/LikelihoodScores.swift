import LockstepPlatform

// What a mean cross-entropy in nats says, in other units.

extension EvaluationReport {
  /// e^loss, where the loss is a mean cross-entropy: the number of equally likely classes or tokens that
  /// would be as hard to tell apart.
  public var perplexity: Double { exp(loss) }

  /// loss / ln 2, where the loss is a mean cross-entropy: bits a token. With a tokenizer of characters
  /// these are bits a character, with one of bytes bits a byte.
  package var bitsPerToken: Double { loss / log(2) }
}
