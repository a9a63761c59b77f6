/// What a rank asks of all ranks along with a step's numbers, so that all of them do it in or after
/// the same step.
package struct StepRequests: OptionSet, Sendable {
  /// Flags in the low 64 bits; above them the bits of ``learningRateFactor``, zero where there is none.
  package let rawValue: UInt128
  /// Requests with the flags, and the factor, of a raw value.
  package init(rawValue: UInt128) { self.rawValue = rawValue }

  /// Save a checkpoint and end the run, resumable.
  package static let stop = StepRequests(rawValue: 1)
  /// Save a checkpoint after the step.
  package static let save = StepRequests(rawValue: 1 << 1)
  /// End the run after the step as if it were its last.
  package static let finish = StepRequests(rawValue: 1 << 2)
  /// Save nothing where the run ends by ``finish``.
  package static let unsaved = StepRequests(rawValue: 1 << 3)
  /// This rank could not compute its shards; the step must not go on.
  static let failed = StepRequests(rawValue: 1 << 63)

  /// Multiply the learning rate by this, from the step on that carries the request; nil for as it is.
  package var learningRateFactor: Double? {
    factorBits == 0 ? nil : Double(bitPattern: factorBits)
  }

  /// The request to multiply the learning rate, from the step on that carries it.
  ///
  /// - Parameter factor: positive and finite.
  package static func scaleLearningRate(by factor: Double) -> StepRequests {
    StepRequests(flags: 0, factorBits: factor.bitPattern)
  }

  // MARK: Words

  init(flags: UInt64, factorBits: UInt64) {
    rawValue = UInt128(flags) | UInt128(factorBits) << 64
  }

  /// The flags as a word.
  var flags: UInt64 { UInt64(truncatingIfNeeded: rawValue) }
  /// The bits of the factor, as a word.
  var factorBits: UInt64 { UInt64(truncatingIfNeeded: rawValue >> 64) }

  /// Adds what others ask for. Of two factors the first one counts: one rank decides.
  package mutating func formUnion(_ other: StepRequests) { self = union(other) }

  /// The requests of both; the factor is the first one that there is.
  package func union(_ other: StepRequests) -> StepRequests {
    StepRequests(
      flags: flags | other.flags, factorBits: factorBits == 0 ? other.factorBits : factorBits)
  }
}
