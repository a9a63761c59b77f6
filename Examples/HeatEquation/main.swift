import LockstepMPI

// Heat spreads over the wall of a pipe: a grid of cells that is a ring along its rows and ends at its
// first and last row. Each rank computes a block of cells, and exchanges the edges of it with its
// neighbours: rows, which lie in one piece, and columns, which do not.
//
//   mpirun -n 4 heat-equation [ROWS COLUMNS STEPS]

/// A rank's block, with a frame of one cell around it that holds the neighbours' edges.
struct Block {
  let grid: MPICartesian
  /// The cells of the whole wall that this rank computes.
  let rows: Range<Int>
  let columns: Range<Int>
  private(set) var cells: MPIBuffer<Double>
  private var next: MPIBuffer<Double>
  private let edges: [MPISelection<Double>]
  private let frame: [MPISelection<Double>]

  private var width: Int { columns.count + 2 }

  init(on grid: MPICartesian, rows wallRows: Int, columns wallColumns: Int) throws {
    self.grid = grid
    rows = part(grid.coordinates[0], of: grid.dimensions[0], wallRows)
    columns = part(grid.coordinates[1], of: grid.dimensions[1], wallColumns)
    let (height, width) = (rows.count, columns.count)
    let shape = [height + 2, width + 2]
    cells = try MPIBuffer(repeating: 0, count: shape[0] * shape[1])
    next = try MPIBuffer(repeating: 0, count: shape[0] * shape[1])
    // In the order of the grid's neighbours: the rows before and behind, the columns before and behind.
    edges = try [
      MPISelection(block: [1, width], at: [1, 1], of: shape),
      MPISelection(block: [1, width], at: [height, 1], of: shape),
      MPISelection(block: [height, 1], at: [1, 1], of: shape),
      MPISelection(block: [height, 1], at: [1, width], of: shape),
    ]
    frame = try [
      MPISelection(block: [1, width], at: [0, 1], of: shape),
      MPISelection(block: [1, width], at: [height + 1, 1], of: shape),
      MPISelection(block: [height, 1], at: [1, 0], of: shape),
      MPISelection(block: [height, 1], at: [1, width + 1], of: shape),
    ]
    for row in rows {
      for column in columns where (row * wallColumns + column) % 7 == 0 {
        cells.values[place(row, column)] = Double(row * wallColumns + column)
      }
    }
  }

  private func place(_ row: Int, _ column: Int) -> Int {
    (row - rows.lowerBound + 1) * width + column - columns.lowerBound + 1
  }

  /// Fills the frame with the neighbours' edges. Where the wall ends the frame stays at 0 degrees.
  func exchangeEdges() throws {
    try grid.communicator.withRequests { scope in
      for (side, neighbor) in grid.neighbors.enumerated() {
        guard let neighbor else { continue }
        // The tag says which way a message goes: on a ring of two both neighbours are the same rank.
        try scope.receive(
          into: cells.values, selecting: frame[side], from: neighbor, tag: side ^ 1)
        try scope.send(
          UnsafeBufferPointer(cells.values), selecting: edges[side], to: neighbor, tag: side)
      }
    }
  }

  /// One step: u ← u + 0.2 (the sum of the four neighbours − 4 u).
  mutating func step() throws {
    try exchangeEdges()
    let (old, new) = (cells.values, next.values)
    for row in rows {
      for column in columns {
        let at = place(row, column)
        let around = (old[at - width] + old[at + width]) + (old[at - 1] + old[at + 1])
        new[at] = old[at] + 0.2 * (around - 4 * old[at])
      }
    }
    swap(&cells, &next)
  }

  /// The warmest cell of the wall.
  func warmest() throws -> Double {
    let own = rows.flatMap { row in columns.map { cells.values[place(row, $0)] } }.max() ?? 0
    return try grid.communicator.allreduce(own, .maximum)
  }

  /// The whole wall on rank 0, nil elsewhere: each block goes from within its frame to its place.
  func gathered(rows wallRows: Int, columns wallColumns: Int) throws -> MPIBuffer<Double>? {
    let ranks = grid.communicator
    let inner = try MPISelection<Double>(
      block: [rows.count, columns.count], at: [1, 1], of: [rows.count + 2, columns.count + 2])
    return try ranks.withRequests { scope in
      try scope.send(UnsafeBufferPointer(cells.values), selecting: inner, to: 0)
      guard ranks.rank == 0 else { return nil }
      let wall = try MPIBuffer(repeating: 0.0, count: wallRows * wallColumns)
      for rank in 0..<ranks.size {
        let place = try grid.coordinates(of: rank)
        let rows = part(place[0], of: grid.dimensions[0], wallRows)
        let columns = part(place[1], of: grid.dimensions[1], wallColumns)
        let block = try MPISelection<Double>(
          block: [rows.count, columns.count], at: [rows.lowerBound, columns.lowerBound],
          of: [wallRows, wallColumns])
        try ranks.receive(into: wall.values, selecting: block, from: rank)
      }
      return wall
    }
  }
}

/// The cells of one of `parts` parts that differ by one cell at most.
func part(_ index: Int, of parts: Int, _ count: Int) -> Range<Int> {
  count * index / parts..<count * (index + 1) / parts
}

/// 64 bits that tell any two walls apart (FNV-1a).
func fingerprint(_ values: [Double]) -> String {
  let hash = values.reduce(0xcbf2_9ce4_8422_2325) { hash, value in
    stride(from: 0, to: 64, by: 8).reduce(hash) {
      ($0 ^ (value.bitPattern >> $1) & 0xff) &* 0x100_0000_01b3
    }
  }
  return String(hash, radix: 16)
}

let numbers = CommandLine.arguments.dropFirst().map { Int($0) ?? 0 }
let (rows, columns, steps) =
  numbers.count == 3 ? (numbers[0], numbers[1], numbers[2]) : (48, 60, 100)

MPISession.run { world in
  let shape = try MPICartesian.dimensions(for: world.size, [nil, nil])
  guard rows >= shape[0], columns >= shape[1], steps >= 0 else {
    if world.rank == 0 { print("a wall needs \(shape[0]) rows and \(shape[1]) columns at least") }
    return
  }
  // All ranks find a place: the product of the lengths is their number.
  guard let grid = try world.cartesian(shape, periodic: [false, true], reorder: true) else {
    return
  }
  var block = try Block(on: grid, rows: rows, columns: columns)
  for _ in 0..<steps { try block.step() }
  let warmest = try block.warmest()
  if let wall = try block.gathered(rows: rows, columns: columns) {
    print("\(rows) × \(columns) cells on \(shape[0]) × \(shape[1]) ranks: warmest \(warmest)")
    print("fingerprint \(fingerprint(wall.array))")
  }
}
