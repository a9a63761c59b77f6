import LockstepFiles
import Testing

import LockstepDatasets

@Suite struct MNIST1DTests {
  private func values(_ data: Dataset) -> [Float] {
    guard case .floats(let values) = data.inputs else { return [] }
    return values
  }

  @Test("4,000 and 1,000 series of ten classes in turn, with the mean 0 and the deviation 1")
  func form() throws {
    let (training, test) = try SyntheticData.mnist1D(seed: 1)
    #expect(training.count == 4000)
    #expect(test.count == 1000)
    #expect(training.inputShape == [1, 40])
    #expect(test.classCount == 10)
    #expect(test.strata == (0..<1000).map { $0 % 10 })
    let all = (values(training) + values(test)).map { Double($0) }
    let mean = all.reduce(0, +) / Double(all.count)
    let square = all.reduce(0) { $0 + $1 * $1 } / Double(all.count)
    #expect(abs(mean) < 1e-6)
    #expect(abs(square - 1) < 1e-6)
  }

  @Test("the seed alone decides; the shape and the other part change no value")
  func seeds() throws {
    let one = try SyntheticData.mnist1D(training: 30, test: 10, seed: 3)
    let other = try SyntheticData.mnist1D(training: 30, test: 10, channelsFirst: false, seed: 3)
    #expect(other.training.inputShape == [40, 1])
    #expect(values(one.training) == values(other.training))
    #expect(values(one.training) != values(one.test))
    let third = try SyntheticData.mnist1D(training: 30, test: 10, seed: 4)
    #expect(values(third.training) != values(one.training))
  }

  @Test("templates begin at 0 and have the deviation 1/6")
  func templates() {
    #expect(MNIST1D.templates.count == 10)
    for template in MNIST1D.templates {
      #expect(template.count == 12)
      #expect(template[0] == 0)
      let mean = template.reduce(0, +) / 12
      let square = template.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 12
      #expect(abs(square - 1.0 / 36) < 1e-12)
    }
  }

  @Test("without noise, movement and padding a series is its digit, scaled and sheared by nothing")
  func plain() throws {
    var recipe = MNIST1D()
    (recipe.padding, recipe.scale, recipe.translation) = (0...0, 0, 1)
    (recipe.correlatedNoise, recipe.noise, recipe.shear, recipe.length) = (0, 0, 0, 12)
    let series = try recipe.series(count: 10, seed: 1)
    // One line leads from the digits to the series: all are shifted and divided alike.
    let factor = (series[3][2] - series[3][0]) / (MNIST1D.templates[3][2] - MNIST1D.templates[3][0])
    for (made, template) in zip(series, MNIST1D.templates) {
      for place in 0..<12 {
        let expected = factor * template[place] + series[0][0]
        #expect(abs(made[place] - expected) < 1e-9)
      }
    }
  }

  @Test("noise where nothing is drawn is smooth: neighbours are alike")
  func smooth() throws {
    var recipe = MNIST1D()
    (recipe.padding, recipe.noise, recipe.shear, recipe.length) = (400...400, 0, 0, 412)
    let series = try recipe.series(count: 20, seed: 5)
    var (products, squares) = (0.0, 0.0)
    for values in series {
      let rest = values[100..<400]
      let mean = rest.reduce(0, +) / 300
      for place in 100..<399 {
        products += (values[place] - mean) * (values[place + 1] - mean)
        squares += (values[place] - mean) * (values[place] - mean)
      }
    }
    // A Gaussian of deviation 2 gives neighbours the correlation exp(−1/16) = 0.94.
    #expect(abs(products / squares - 0.94) < 0.02)
  }

  @Test("a recipe that makes nothing is refused")
  func refusals() {
    var recipe = MNIST1D()
    recipe.length = 1
    #expect(throws: DatasetError.self) { try SyntheticData.mnist1D(recipe: recipe, seed: 1) }
    recipe = MNIST1D()
    recipe.noise = .nan
    #expect(throws: DatasetError.self) { try SyntheticData.mnist1D(recipe: recipe, seed: 1) }
    #expect(throws: DatasetError.self) { try SyntheticData.mnist1D(training: 0, seed: 1) }
  }
}
