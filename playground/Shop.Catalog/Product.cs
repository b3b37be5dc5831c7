namespace Shop.Catalog;

/// <summary>Something the shop sells. Price in cents.</summary>
internal sealed record Product(string Sku, string Name, string Description, int Price)
{
    public static readonly Product[] All =
    [
        new("lamp", "Harbour lamp", "Brass, warm light, and a switch that clicks the way switches should.", 6900),
        new("kettle", "Whistling kettle", "Two litres. Sings in A when the water is ready.", 4500),
        new("globe", "Desk globe", "Shows the sea routes of 1888 and a few that never were.", 8800),
        new("boots", "Lighthouse boots", "Dry feet up to the third step.", 12900),
        new("compass", "Pocket compass", "Points north. Forgives you when you do not.", 3200),
        new("parrot", "Ceramic parrot", "Quiet. The last of its kind, so there are only two.", 15900),
    ];
}

/// <summary>One page of the catalogue, and who answered it from where.</summary>
internal sealed record ProductPage(string Replica, string Cache, IReadOnlyList<Product> Products);
