internal import CLockstepKernels
import LockstepDatasets
import LockstepEngine
import LockstepFold
import LockstepOptimization

/// Gaussian noise on the folded sum of clipped gradients, and what has become of privacy with it.
///
/// A value's noise follows from the seed, the step and the value's place in the gradient alone, and is added once,
/// by the owner of the value: it is the same for any number of ranks. The sum is then divided by the mean weight of
/// a batch, not by that of the batch at hand, whose number of examples would tell whether one is there.
package final class PrivacyNoise {
  /// What ε is told by.
  package let accountant: PrivacyAccountant
  /// The gradient's divisor.
  let divisor: Float
  private let deviation: Float
  private let seed: UInt64
  private let add:
    @convention(c) (
      UnsafeMutablePointer<Float>?, Int, Float, UInt64, UnsafePointer<lockstep_stream>?
    ) -> Void

  /// - Parameters:
  ///   - weightPerExample: what an example adds to the divisor.
  ///   - draws: how batches are drawn.
  ///   - seed: the key of the noise.
  package init(
    _ privacy: Privacy, _ clip: ExampleClip, weightPerExample: Double, _ draws: PoissonDraws,
    seed: UInt64
  ) {
    accountant = PrivacyAccountant(
      SampledGaussian(noise: privacy.noise, samplingRate: draws.rate), delta: privacy.delta)
    divisor = Float(Double(draws.mean) * weightPerExample)
    deviation = Float(privacy.noise * clip.norm * weightPerExample)
    self.seed = seed
    let set = lockstep_isa(rawValue: InstructionSet.current.rawValue)
    add = lockstep_noise_kernels_for(set).pointee.add_normal
  }

  /// Adds a step's noise to values of the folded sum.
  ///
  /// - Parameters:
  ///   - step: the number of the step, from 0.
  ///   - place: that of the first value in the gradient, a multiple of 16.
  func add(step: Int, at place: Int, to values: UnsafeMutablePointer<Float>, count: Int) {
    var stream = lockstep_stream(
      key_low: UInt32(truncatingIfNeeded: seed), key_high: UInt32(truncatingIfNeeded: seed >> 32),
      index: UInt32(truncatingIfNeeded: step), purpose: RandomPurpose.privacyNoise.rawValue)
    add(values, count, deviation, UInt64(place), &stream)
  }
}
