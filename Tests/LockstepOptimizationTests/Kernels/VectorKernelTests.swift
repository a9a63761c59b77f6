import CLockstepKernels
import LockstepEngine
import Testing

/// The kernels of curvature and distillation: their formulas in Double, and equal bits of all
/// instruction sets.
@Suite struct VectorKernelTests {
  private static let sets = InstructionSet.allCases.filter { $0 <= .detected }

  /// Values of both signs over several magnitudes.
  private static func values(_ count: Int, _ phase: Int) -> [Float] {
    (0..<count).map { index in
      let place = (Double(index + 1) * 0.754877666 + Double(phase) * 0.31)
        .truncatingRemainder(dividingBy: 1)
      return Float(2 * place - 0.97) * Float(1 << (index % 7))
    }
  }

  @Test(arguments: [0, 1, 7, 15, 16, 17, 100, 1023])
  func vectors(count: Int) {
    let (a, b) = (Self.values(count, 0), Self.values(count, 1))
    let d = Self.values(count, 2).map(\.magnitude)
    var dots: Set<UInt64> = []
    var conditioned: Set<[UInt32]> = []
    var squares: Set<[UInt32]> = []
    for set in Self.sets {
      let kernels = lockstep_vector_kernels_for(lockstep_isa(rawValue: set.rawValue)).pointee
      let dot = kernels.dot(a, b, count)
      let exact = zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
      let size = zip(a, b).reduce(1e-30) { $0 + abs(Double($1.0) * Double($1.1)) }
      #expect(abs(dot - exact) <= 1e-13 * size)
      dots.insert(dot.bitPattern)

      var out = Array(repeating: Float(0), count: count)
      kernels.precondition(&out, a, d, 0.25, count)
      for index in 0..<count {
        let root = (Double(d[index]) + 0.25).squareRoot()
        let expected = Double(a[index]) / (root * root.squareRoot())
        #expect(abs(Double(out[index]) - expected) <= 5e-7 * abs(expected))
      }
      conditioned.insert(out.map(\.bitPattern))

      var square = a
      kernels.square(&square, count)
      #expect(zip(square, a).allSatisfy { $0 == $1 * $1 })
      squares.insert(square.map(\.bitPattern))
    }
    #expect(dots.count == 1 && conditioned.count == 1 && squares.count == 1)
  }

  @Test(arguments: [1, 3, 10, 16, 33])
  func distillation(classes: Int) {
    let rows = 4
    let (x, t) = (Self.values(rows * classes, 3), Self.values(rows * classes, 4))
    let weights: [Float] = [1, 0.5, 2, 0]
    var losses: Set<UInt64> = []
    var gradients: Set<[UInt32]> = []
    for set in Self.sets {
      let kernels = lockstep_graph_kernels_for(lockstep_isa(rawValue: set.rawValue)).pointee
      let loss = kernels.distillation(x, t, weights, rows, classes, 2.5)
      #expect(loss >= -1e-5, "a divergence is not negative")
      #expect(abs(kernels.distillation(x, x, nil, rows, classes, 2.5)) < 1e-5)
      losses.insert(loss.bitPattern)
      var gradient = Array(repeating: Float(0), count: rows * classes)
      kernels.distillation_gradient(&gradient, 1, x, t, weights, rows, classes, 2.5)
      for row in 0..<rows {
        let sum = gradient[row * classes..<(row + 1) * classes].reduce(0, +)
        #expect(abs(sum) < 1e-5, "the gradient of a shift-invariant loss adds up to zero")
      }
      gradients.insert(gradient.map(\.bitPattern))
    }
    #expect(losses.count == 1 && gradients.count == 1)
  }
}
