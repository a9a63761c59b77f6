/// The part that an operation takes where a plan computes in bfloat16.
public enum PrecisionRole: Sendable {
  /// Takes bfloat16 operands and adds up in Float32: linear maps, convolutions, their gradients.
  case product
  /// Computes in the type that its first operand is stored in, with Float32 inside.
  case elementwise
  /// Wants Float32: what it reads, directly or behind elementwise operations, is never rounded.
  case exact
  /// Reads any type, and neither asks for one nor hands it on.
  case neutral
}
