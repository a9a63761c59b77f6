#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

// What a recurrent cell does at one position of one sequence, in Double, with its derivatives.

/// A unit's position: its gates' arguments, and what came of them.
struct CellReference {
  let cell: RecurrentCell
  /// The number of units.
  let count: Int

  /// A state, the memory beside it (empty where there is none), and what is kept, unit by unit of each part.
  struct Position {
    var hidden: [Double]
    var memory: [Double]
    var kept: [Double] = []
  }

  private func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

  /// The position behind `before`.
  func forward(_ a: [Double], _ q: [Double], _ before: Position) -> Position {
    var position = before
    position.kept = Array(repeating: 0, count: cell.kept * count)
    for unit in 0..<count {
      func argument(_ gate: Int) -> Double { a[gate * count + unit] + q[gate * count + unit] }
      func keep(_ values: [Double]) {
        for (part, value) in values.enumerated() { position.kept[part * count + unit] = value }
      }
      switch cell {
      case .tanh: position.hidden[unit] = tanh(argument(0))
      case .relu: position.hidden[unit] = max(0, argument(0))
      case .gru:
        let (r, z, product) = (sigmoid(argument(0)), sigmoid(argument(1)), q[2 * count + unit])
        let n = tanh(a[2 * count + unit] + r * product)
        position.hidden[unit] = (1 - z) * n + z * before.hidden[unit]
        keep([r, z, n, product])
      case .lstm:
        let (i, f, o) = (sigmoid(argument(0)), sigmoid(argument(1)), sigmoid(argument(3)))
        let g = tanh(argument(2))
        let memory = f * before.memory[unit] + i * g
        position.memory[unit] = memory
        position.hidden[unit] = o * tanh(memory)
        keep([i, f, g, o, memory])
      }
    }
    return position
  }

  /// The gradients by a, q and the position before, the latter without what goes through q.
  func backward(
    hidden: [Double], memory: [Double], at here: Position, behind before: Position
  ) -> (a: [Double], q: [Double], before: Position) {
    var a = Array(repeating: 0.0, count: cell.gates * count)
    var q = a
    var result = Position(hidden: hidden, memory: memory)
    for unit in 0..<count {
      func kept(_ part: Int) -> Double { here.kept[part * count + unit] }
      func give(_ gate: Int, _ value: Double, _ product: Double? = nil) {
        a[gate * count + unit] = value
        q[gate * count + unit] = product ?? value
      }
      let d = hidden[unit]
      switch cell {
      case .tanh, .relu:
        give(0, d * slope(here.hidden[unit]))
        result.hidden[unit] = 0
      case .gru:
        let (r, z, n, product) = (kept(0), kept(1), kept(2), kept(3))
        let dn = d * (1 - z) * (1 - n * n)
        give(0, dn * product * r * (1 - r))
        give(1, d * (before.hidden[unit] - n) * z * (1 - z))
        give(2, dn, dn * r)
        result.hidden[unit] = d * z
      case .lstm:
        let (i, f, g, o, t) = (kept(0), kept(1), kept(2), kept(3), tanh(kept(4)))
        let dc = memory[unit] + d * o * (1 - t * t)
        give(0, dc * g * i * (1 - i))
        give(1, dc * before.memory[unit] * f * (1 - f))
        give(2, dc * i * (1 - g * g))
        give(3, d * t * o * (1 - o))
        result.hidden[unit] = 0
        result.memory[unit] = dc * f
      }
    }
    return (a, q, result)
  }

  /// The derivative of the position, given those of a and q, and of the position before.
  func tangent(
    _ a: [Double], _ q: [Double], _ moving: Position, at here: Position, behind before: Position
  ) -> Position {
    var result = moving
    for unit in 0..<count {
      func kept(_ part: Int) -> Double { here.kept[part * count + unit] }
      func argument(_ gate: Int) -> Double { a[gate * count + unit] + q[gate * count + unit] }
      switch cell {
      case .tanh, .relu: result.hidden[unit] = argument(0) * slope(here.hidden[unit])
      case .gru:
        let (r, z, n, product) = (kept(0), kept(1), kept(2), kept(3))
        let (dr, dz) = (argument(0) * r * (1 - r), argument(1) * z * (1 - z))
        let inner = a[2 * count + unit] + dr * product + r * q[2 * count + unit]
        let dn = inner * (1 - n * n)
        result.hidden[unit] =
          (1 - z) * dn + dz * (before.hidden[unit] - n) + z * moving.hidden[unit]
      case .lstm:
        let (i, f, g, o, t) = (kept(0), kept(1), kept(2), kept(3), tanh(kept(4)))
        let (di, df) = (argument(0) * i * (1 - i), argument(1) * f * (1 - f))
        let (dg, dout) = (argument(2) * (1 - g * g), argument(3) * o * (1 - o))
        let dc = df * before.memory[unit] + f * moving.memory[unit] + di * g + i * dg
        result.memory[unit] = dc
        result.hidden[unit] = dout * t + o * (1 - t * t) * dc
      }
    }
    return result
  }

  /// The derivative of f, given its value.
  private func slope(_ value: Double) -> Double {
    cell == .relu ? (value > 0 ? 1 : 0) : 1 - value * value
  }
}
