/// Choices of a plan that change bits or time, beside what the program says.
///
/// All ranks of a run take the same ones.
public struct PlanOptions: Sendable, Equatable {
  /// How 3×3 convolutions are computed.
  package enum Convolutions: String, Sendable, CaseIterable {
    /// Winograd's algorithm for the shapes where it is faster, else the direct sum. Shapes and the instruction
    /// set alone decide: F(2×2, 3×3) by kernels of our own on AVX2, whose error is about the direct sum's, and
    /// oneDNN 2's F(4×4, 3×3) on AVX-512, whose error is some ten times that. In bfloat16 the direct sum is the
    /// only one.
    case automatic
    /// The direct sum always.
    case direct
  }

  /// How 3×3 convolutions are computed.
  package var convolutions: Convolutions
  /// The numbers that the model is computed in.
  public var precision: Precision

  /// Makes options; by default Float32. Convolutions are computed in the way that is faster.
  public init(precision: Precision = .float32) {
    self.init(convolutions: .automatic, precision: precision)
  }

  /// Makes options that say how convolutions are computed, too.
  package init(convolutions: Convolutions, precision: Precision = .float32) {
    self.convolutions = convolutions
    self.precision = precision
  }
}
