internal import CLockstepKernels

/// Products of row-major Float32 matrices outside of a graph, on the calling thread.
///
/// Each element is one chain of fused multiply-adds in the order of the summation index, so that its
/// bits depend on neither the matrices' sizes nor the instruction set. Where the processor has none,
/// the same chain is computed in another, slow way.
package struct MatrixProducts {
  private let dense: lockstep_dense_kernels?

  /// Products by the kernels of an instruction set.
  package init(_ set: InstructionSet = .current) { dense = set.denseKernels?.pointee }

  /// The number of floats of scratch that a product may write.
  package static func scratch(rows: Int, terms: Int, columns: Int) -> Int {
    max(
      lockstep_dense_scratch(rows, terms, columns), lockstep_dense_scratch(rows, columns, terms))
  }

  /// result [rows, columns] = left [rows, terms] · right [columns, terms]ᵀ.
  package func transposed(
    _ result: UnsafeMutablePointer<Float>, _ left: UnsafePointer<Float>,
    _ right: UnsafePointer<Float>, rows: Int, terms: Int, columns: Int,
    scratch: UnsafeMutablePointer<Float>
  ) {
    if let dense {
      return dense.forward(result, left, right, nil, 0, rows, terms, columns, scratch)
    }
    for row in 0..<rows {
      for column in 0..<columns {
        var sum: Float = 0
        for term in 0..<terms {
          sum.addProduct(left[row * terms + term], right[column * terms + term])
        }
        result[row * columns + column] = sum
      }
    }
  }

  /// result [rows, columns] = left [rows, terms] · right [terms, columns].
  package func plain(
    _ result: UnsafeMutablePointer<Float>, _ left: UnsafePointer<Float>,
    _ right: UnsafePointer<Float>, rows: Int, terms: Int, columns: Int,
    scratch: UnsafeMutablePointer<Float>
  ) {
    if let dense {
      return dense.input_gradient(result, left, right, rows, columns, terms, scratch)
    }
    for row in 0..<rows {
      let sums = result + row * columns
      sums.update(repeating: 0, count: columns)
      for term in 0..<terms {
        let factor = left[row * terms + term]
        for column in 0..<columns {
          sums[column].addProduct(factor, right[term * columns + column])
        }
      }
    }
  }
}
