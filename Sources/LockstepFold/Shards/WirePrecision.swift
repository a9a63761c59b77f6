/// How gradients travel between ranks.
///
/// A bf16 number is the upper half of a Float32. What travels must be one then, and must be the same
/// one on any number of ranks, so the *tree* says what is rounded and not the messages: every sum of
/// 2^level shards or more, below the root, is rounded to the nearest bf16 number (ties to even) as
/// soon as it is made, inside a rank as well as between ranks. The root is rounded once it has been
/// divided by the batch's weight (and a penalty added), before it is measured.
///
/// Sums of fewer shards, sums of batch statistics, and parameters travel as Float32 always; losses,
/// metrics and norms as Double.
public enum WirePrecision: Sendable, Equatable {
  /// Four bytes a value.
  case float32
  /// Two bytes a value, for sums of 2^level shards and more.
  case bfloat16(level: Int)
}
