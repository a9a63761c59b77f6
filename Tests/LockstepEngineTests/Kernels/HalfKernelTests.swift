import CLockstepKernels
import LockstepEngine
import LockstepTestSupport
import Testing

/// Products of bfloat16 numbers against sums in Double of the rounded factors.
@Suite(.enabled(if: lockstep_half_kernels_here() != nil, "\(Precision.missing)"))
struct HalfKernelTests {
  /// Sizes around those of tiles, parts and blocks, even and odd.
  private static let sizes = [
    (1, 1, 1), (3, 5, 7), (6, 64, 64), (32, 96, 130), (33, 257, 65), (100, 300, 17), (97, 511, 31),
  ]

  private func values(_ count: Int, _ phase: Double) -> [Float] {
    (0..<count).map { index in
      Float(2 * (Double(index + 1) * 0.754877666 + phase).truncatingRemainder(dividingBy: 1) - 1)
    }
  }

  /// The nearest bfloat16 number, ties to even.
  private func rounded(_ value: Float) -> Double {
    let bits = value.bitPattern
    return Double(Float(bitPattern: (bits + 0x7fff + ((bits >> 16) & 1)) & 0xffff_0000))
  }

  /// x[n][terms] times what was laid of a weight.
  private func product(
    _ x: [Float], _ weight: [Float], _ n: Int, _ into: Int, _ out: Int, transposed: Bool
  ) throws -> [Float] {
    let table = try #require(lockstep_half_kernels_here()).pointee
    let (terms, columns) = transposed ? (out, into) : (into, out)
    var panels = [Float](repeating: .nan, count: lockstep_half_panels(into, out))
    var scratch = [Float](repeating: .nan, count: lockstep_half_scratch(n, into, out))
    var y = [Float](repeating: .nan, count: n * columns)
    if transposed {
      table.lay_inputs(&panels, weight, into, out)
    } else {
      table.lay_outputs(&panels, weight, into, out)
    }
    table.multiply(&y, x, panels, n, terms, columns, &scratch)
    return y
  }

  @Test("x Wᵀ and dy W are those of rounded factors, up to the rounding of sums")
  func products() throws {
    for (n, into, out) in Self.sizes {
      let weight = values(into * out, 0.3)
      for transposed in [false, true] {
        let (terms, columns) = transposed ? (out, into) : (into, out)
        let x = values(n * terms, 0.7)
        let y = try product(x, weight, n, into, out, transposed: transposed)
        for row in 0..<n {
          for column in 0..<columns {
            var (sum, size) = (0.0, 0.0)
            for k in 0..<terms {
              let w = transposed ? weight[k * into + column] : weight[column * into + k]
              let term = rounded(x[row * terms + k]) * rounded(w)
              sum += term
              size += abs(term)
            }
            let found = Double(y[row * columns + column])
            #expect(abs(found - sum) <= 4e-6 * size, "\(n), \(into), \(out): \(found), not \(sum)")
          }
        }
      }
    }
  }

  @Test("a row's bits do not depend on the rows beside it")
  func company() throws {
    let (n, into, out) = (37, 70, 90)
    let (weight, x) = (values(into * out, 0.1), values(n * into, 0.2))
    let all = try product(x, weight, n, into, out, transposed: false)
    for row in [0, 5, 36] {
      let alone = try product(
        Array(x[row * into..<(row + 1) * into]), weight, 1, into, out, transposed: false)
      #expect(alone == Array(all[row * out..<(row + 1) * out]))
    }
  }

  @Test("not-a-numbers and infinities reach the results of their rows alone")
  func nonFinite() throws {
    let (n, into, out) = (3, 9, 20)
    var x = values(n * into, 0.4)
    x[into + 8] = .nan
    x[2 * into] = .infinity
    let y = try product(x, values(into * out, 0.6), n, into, out, transposed: false)
    let (first, second, third) = (y[..<out], y[out..<2 * out], y[(2 * out)...])
    #expect(first.allSatisfy { $0.isFinite })
    #expect(second.allSatisfy { $0.isNaN })
    #expect(third.allSatisfy { !$0.isFinite })
  }
}
