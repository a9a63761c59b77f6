import LockstepEngine

/// How the next token is chosen from a model's logits.
///
/// The probabilities are softmax(logits / temperature). `topK` and then `topP` leave out what is unlikely.
public struct TextSampling: Sendable, Equatable {
  /// What logits are divided by: 1 takes the model's own probabilities, less makes likely tokens likelier, and 0
  /// takes the likeliest token always.
  package var temperature: Double
  /// How many of the likeliest tokens are left; nil leaves all.
  package var topK: Int?
  /// The likeliest tokens are left whose probabilities have this sum at least; nil leaves all.
  ///
  /// Source: A. Holtzman et al., "The curious case of neural text degeneration", ICLR 2020.
  package var topP: Double?
  /// The key of the draws. Token n takes the n-th draw, so that a longer text begins as a shorter one.
  package var seed: UInt64

  /// The model's own probabilities by default.
  public init(
    temperature: Double = 1, topK: Int? = nil, topP: Double? = nil, seed: UInt64 = 1
  ) {
    self.temperature = temperature
    self.topK = topK
    self.topP = topP
    self.seed = seed
  }

  /// - Throws: ``ArgumentError`` that names the value that is out of range.
  package func check() throws(ArgumentError) {
    func refuse(_ name: String, _ value: some Any, _ expected: String) -> ArgumentError {
      ArgumentError("TextSampling", name, is: value, expected: expected)
    }
    guard temperature.isFinite, temperature >= 0 else {
      throw refuse("temperature", temperature, "a finite number from 0")
    }
    if let topK, topK < 1 { throw refuse("topK", topK, "at least 1") }
    if let topP, !(topP > 0 && topP <= 1) { throw refuse("topP", topP, "in (0, 1]") }
  }
}
