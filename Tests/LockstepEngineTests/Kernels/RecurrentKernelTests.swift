import CLockstepKernels
import LockstepEngine
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// The kernels of recurrent networks: their functions in Double, and one set of bits for all tables.
@Suite struct RecurrentKernelTests {
  private static let tables = InstructionSet.allCases.filter { $0 <= .detected }.map {
    lockstep_recurrent_kernels_for(lockstep_isa(rawValue: $0.rawValue)).pointee
  }

  private static func values(_ count: Int, _ phase: Int, scale: Float = 1) -> [Float] {
    (0..<count).map { index in
      let place = (Double(index + 1) * 0.754877666 + Double(phase) * 0.31)
        .truncatingRemainder(dividingBy: 1)
      return scale * Float(2 * place - 1)
    }
  }

  /// How many units of the last place of the exact value a value is off.
  private func unitsOff(_ value: Float, _ exact: Double) -> Double {
    if exact == 0 { return abs(Double(value)) }
    // In Double: the unit of a small value is a denormal, which a thread may flush to zero.
    let unit = Double(sign: .plus, exponent: exact.exponent - 23, significand: 1)
    return abs(Double(value) - exact) / unit
  }

  @Test("sigmoid and tanh are exact to three units, and equal in all tables")
  func functions() {
    let x =
      Self.values(4000, 0, scale: 3) + Self.values(1000, 1, scale: 80)
      + Self.values(1000, 2, scale: 0x1p-12) + [0, -0, 0.625, -0.625, 20, -20]
    var bits: Set<[UInt32]> = []
    for table in Self.tables {
      var (s, t) = (x, x)
      table.gate_functions(&s, &t, x, x.count)
      bits.insert((s + t).map(\.bitPattern))
      for (x, (s, t)) in zip(x, zip(s, t)) {
        let x = Double(x)
        let (sigmoid, hyperbolic) = (1 / (1 + exp(-x)), tanh(x))
        #expect(unitsOff(s, sigmoid) < 3, "sigmoid(\(x)) = \(s)")
        #expect(unitsOff(t, hyperbolic) < 3, "tanh(\(x)) = \(t)")
      }
    }
    #expect(bits.count == 1)
  }

  @Test("far arguments saturate, and not-a-numbers stay")
  func limits() {
    let x: [Float] = [.infinity, -.infinity, .nan, 1e30, -1e30]
    for table in Self.tables {
      var (s, t) = (x, x)
      table.gate_functions(&s, &t, x, x.count)
      #expect(s[0] == 1 && s[1] == 0 && s[3] == 1 && s[4] == 0)
      #expect(t[0] == 1 && t[1] == -1 && t[3] == 1 && t[4] == -1)
      #expect(s[2].isNaN && t[2].isNaN)
    }
  }

  struct Size: Sendable, CustomTestStringConvertible {
    let n: Int
    let hidden: Int
    let reverses: Bool
    var testDescription: String { "\(n) × \(hidden)\(reverses ? ", reversed" : "")" }
  }

  static let sizes = [
    Size(n: 1, hidden: 1, reverses: false), Size(n: 4, hidden: 17, reverses: true),
    Size(n: 3, hidden: 32, reverses: false), Size(n: 5, hidden: 15, reverses: true),
  ]

  /// Everything that the kernels of a table write for a position, bit by bit, with guards behind it.
  private func step(
    _ table: lockstep_recurrent_kernels, _ size: Size, position: Int, lengths: [Int32]
  ) -> [UInt32] {
    let (n, hidden, positions) = (size.n, size.hidden, 4)
    let (state, all) = (n * hidden, n * positions * hidden)
    let guardValues: [Float] = Array(repeating: 12345, count: 16)
    func input(_ count: Int, _ phase: Int) -> [Float] { Self.values(count, phase) }
    func memory(_ count: Int, _ phase: Int) -> [Float] { input(count, phase) + guardValues }
    let (a, q, b) = (input(4 * all, 0), input(4 * state, 1), input(4 * hidden, 2))
    let (y, kept, first) = (input(all, 3), input(5 * all, 4), input(state, 5))
    var written: [[Float]] = []
    lengths.withUnsafeBufferPointer { lengths in
      var step = lockstep_recurrent_step(
        n: n, hidden: hidden, position: position, positions: positions,
        reverses: size.reverses ? 1 : 0, keeps: 1, lengths: lengths.baseAddress)
      var (to, h, c, keep) = (
        memory(all, 6), memory(state, 7), memory(state, 8), memory(5 * all, 9)
      )
      table.plain_forward(&to, &h, a, q, b, 0, &step)
      written += [to, h]
      table.plain_forward(&to, &h, a, q, b, 1, &step)
      written += [to, h]
      table.gru_forward(&to, &h, &keep, a, q, b, &step)
      written += [to, h, keep]
      table.lstm_forward(&to, &h, &c, &keep, a, q, b, &step)
      written += [to, h, c, keep]
      var (da, dq, now) = (memory(4 * all, 10), memory(4 * all, 11), memory(4 * state, 12))
      table.plain_backward(&da, &now, &h, q, a, y, 0, &step)
      written += [da, now, h]
      table.gru_backward(&da, &dq, &now, &h, q, a, y, kept, first, &step)
      written += [da, dq, now, h]
      table.lstm_backward(&da, &now, &h, &c, q, nil, kept, first, &step)
      written += [da, now, h, c]
      table.plain_tangent(&to, &h, a, a, q, y, 1, &step)
      written += [to, h]
      table.gru_tangent(&to, &h, a, a, q, y, kept, first, &step)
      written += [to, h]
      table.lstm_tangent(&to, &h, &c, a, a, q, kept, first, &step)
      written += [to, h, c]
      table.history(&to, y, first, &step)
      written += [to]
    }
    for array in written { #expect(array.suffix(16).allSatisfy { $0 == 12345 }) }
    return written.flatMap { $0.map(\.bitPattern) }
  }

  @Test("all tables write the same bits, and nothing behind their arrays", arguments: sizes)
  func sameBits(_ size: Size) {
    let lengths = (0..<size.n).map { Int32($0 == 1 ? 1 : $0 == 2 ? 0 : $0 == 3 ? -7 : 9) }
    for position in 0..<4 {
      let bits = Set(
        Self.tables.map { step($0, size, position: position, lengths: lengths) })
      #expect(bits.count == 1)
    }
  }

  @Test("products without fused multiply-adds are sums of products", arguments: sizes)
  func products(_ size: Size) {
    let (n, columns, rows) = (size.n, size.hidden, 7)
    let (x, w) = (Self.values(n * columns, 0), Self.values(rows * columns, 1))
    let dy = Self.values(n * rows, 2)
    var bits: Set<[UInt32]> = []
    for table in Self.tables {
      var y = Array(repeating: Float.nan, count: n * rows)
      var dx = Array(repeating: Float.nan, count: n * columns)
      table.product(&y, x, w, n, columns, rows)
      table.product_gradient(&dx, dy, w, n, columns, rows)
      bits.insert((y + dx).map(\.bitPattern))
      for index in y.indices {
        let exact = (0..<columns).reduce(0.0) {
          $0 + Double(x[index / rows * columns + $1]) * Double(w[index % rows * columns + $1])
        }
        #expect(abs(Double(y[index]) - exact) < 1e-5)
      }
      for index in dx.indices {
        let exact = (0..<rows).reduce(0.0) {
          $0 + Double(dy[index / columns * rows + $1]) * Double(w[$1 * columns + index % columns])
        }
        #expect(abs(Double(dx[index]) - exact) < 1e-5)
      }
    }
    #expect(bits.count == 1)
  }
}
